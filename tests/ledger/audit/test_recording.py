"""The audit trail: what leaves a row in it, what is refused, and what is never in it."""

# ruff: noqa: S608  the SQL is made of the tests' own words

import time

import pytest
from sqlalchemy import (
    Integer,
    String,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from slipway.ledger import gates, runs
from slipway.ledger.audit import chain
from slipway.ledger.audit.queries import verify
from slipway.ledger.audit.recording import HIDDEN, Audited, AuditError, AuditRow, Trail
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Release, Run, StageResult
from slipway.model.access import Person
from slipway.model.states import StageState
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger

from .things import Base, Part, Thing, begin_run, trail

STAGE = CommandStage(uses="command", argv=("true",), manual=True)


@pytest.fixture
def engine(url):
    made = make_ledger(url)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def test_insert_update_delete_leave_their_rows(engine):
    before = time.time()
    with LedgerSession(engine, actor="ann") as session:
        thing = Thing(name="a", size=1)
        session.add(thing)
        session.commit()
        thing.size = 2  # expired: the old value is loaded
        session.commit()
        session.delete(thing)
        session.commit()
    made, changed, gone = trail(engine)
    assert [one.action for one in (made, changed, gone)] == ["insert", "update", "delete"]
    assert {one.actor for one in (made, changed, gone)} == {"ann"}
    assert (made.entity, made.entity_id, made.summary) == ("thing", "1", "thing a")
    assert before <= made.at <= time.time()
    whole = {"id": 1, "name": "a", "size": 1, "api_token": HIDDEN}
    assert (made.old, made.new) == (None, whole)
    assert (changed.old, changed.new) == ({"size": 1}, {"size": 2})
    assert (gone.old, gone.new) == ({**whole, "size": 2}, None)
    assert verify(engine).problem == ""


def test_orphans_and_cascades_leave_rows_too(engine):
    with LedgerSession(engine) as session:
        thing = Thing(name="a", parts=[Part(), Part()])
        session.add(thing)
        session.commit()
        thing.parts.pop()
        session.commit()
        session.delete(thing)
        session.commit()
    assert [(one.action, one.entity_id) for one in trail(engine, "part")] == [
        ("insert", "1"),
        ("insert", "2"),
        ("delete", "2"),
        ("delete", "1"),
    ]
    assert trail(engine, "part")[-1].old == {"id": 1, "thing_id": 1}
    assert {one.actor for one in trail(engine)} == {"slipway"}


def test_a_change_that_changes_nothing_is_none(engine):
    with LedgerSession(engine) as session:
        thing = Thing(name="a", seen=1)
        session.add(thing)
        session.commit()
        thing.name, thing.seen = "a", 2
        session.commit()
    assert [one.action for one in trail(engine)] == ["insert"]


def test_what_is_rolled_back_never_was(engine):
    with LedgerSession(engine) as session:
        session.add(Thing(name="a"))
        session.flush()
        session.rollback()
        session.add(Thing(name="b"))
        session.commit()
    assert [one.summary for one in trail(engine)] == ["thing b"]
    assert verify(engine).rows == 1


def test_a_savepoint_that_is_rolled_back_never_was(engine):
    with LedgerSession(engine) as session:
        session.add(Thing(name="a"))
        inner = session.begin_nested()
        session.add(Thing(name="b"))
        session.flush()
        inner.rollback()
        session.add(Thing(name="c"))
        session.commit()
    assert [one.summary for one in trail(engine)] == ["thing a", "thing c"]
    assert verify(engine).problem == ""


def test_a_secret_is_nowhere_in_the_trail(engine):
    with LedgerSession(engine) as session:
        thing = Thing(name="a", api_token="hunter2")
        session.add(thing)
        session.commit()
        thing.api_token = "hunter3"
        session.commit()
        session.delete(thing)
        session.commit()
    with engine.connect() as connection:
        everything = str(connection.execute(select(AuditRow.__table__)).all())
    assert "hunter" not in everything
    assert trail(engine)[1].new == {"api_token": HIDDEN}


@pytest.mark.parametrize(
    "statement",
    [
        update(Thing).values(size=1),
        delete(Thing),
        insert(Thing).values(name="x"),
        update(Thing.__table__).values(size=1),
        delete(Run),
        update(StageResult).values(state="passed"),
        delete(AuditRow),
        text("delete from slipway_test_thing"),
        text("with gone as (select 1) update slipway_run set state = 'passed'"),
    ],
    ids=str,
)
def test_bulk_statements_are_refused(engine, statement):
    with LedgerSession(engine) as session:
        session.add(Thing(name="a"))
        session.commit()
        with pytest.raises(AuditError, match="would pass the audit trail by"):
            session.execute(statement)
    assert len(trail(engine)) == 1


def test_other_ways_past_the_trail_are_refused(engine):
    with LedgerSession(engine) as session:
        for work in (
            lambda: session.bulk_save_objects([Thing(name="a")]),
            lambda: session.bulk_insert_mappings(Thing, [{"name": "a"}]),
            lambda: session.bulk_update_mappings(Thing, [{"id": 1, "name": "b"}]),
            lambda: session.query(Thing).delete(),
        ):
            with pytest.raises(AuditError, match="refused"):
                work()
        session.add(Thing(size=Thing.size + 1))
        with pytest.raises(AuditError, match=r"Thing.size is audited: give it a value"):
            session.flush()
    with Session(engine) as plain:
        plain.add(Thing(name="a"))
        with pytest.raises(AuditError, match="is audited: change it in a"):
            plain.flush()
    with LedgerSession(engine) as session:
        assert session.execute(text(" SELECT count(*) from slipway_test_thing")).scalar() == 0


def declared(trail_of, *, mapped_base=True, **columns):
    base = type("Fresh", (DeclarativeBase,), {})
    mapped = {"id": mapped_column(Integer, primary_key=True)}
    mapped |= {name: mapped_column(String(9)) for name in columns}
    bases = (Audited, base) if mapped_base else (Audited,)
    return type("Made", bases, {"__tablename__": "made", "__trail__": trail_of, **mapped})


def test_a_wrong_declaration_is_told_when_the_class_is_made():
    with pytest.raises(TypeError, match="must name password as secret or silent"):
        declared(Trail("made"), password=1)
    with pytest.raises(TypeError, match="names nme: no column"):
        declared(Trail("made", silent=("nme",)), name=1)
    with pytest.raises(TypeError, match=r"class Made\(Audited, Base\)"):
        declared(Trail("made"), mapped_base=False, name=1)
    declared(Trail("made", secret=("password",)), password=1)


def test_the_machine_moves_runs_without_a_flood_and_people_do_not(engine):
    with LedgerSession(engine) as session:
        run = begin_run(session)
        (result,) = runs.first_try(session, run, "gate", STAGE, 1.0)
        runs.settle(run, {"gate": STAGE}, 2.0)
        session.commit()
        run_id = run.id
    assert [(one.action, one.entity, one.project) for one in trail(engine)] == [
        ("insert", "run", "almanac"),
        ("insert", "gate", "almanac"),
    ]
    assert trail(engine)[0].summary == "run 1, 1.4.0+1 of main"
    with LedgerSession(engine, actor="bob") as session:
        run = session.get_one(Run, run_id)
        gate = gates.of_stage(session, run.stages[0])
        bob = Person("bob", frozenset({"developer"}))
        gates.ask(session, gate, STAGE, bob, gates.Request(gate.token), 3.0)
        gates.queue_approved(session, gate, STAGE, 3.0)
        runs.settle(run, {"gate": STAGE}, 3.0)
        session.commit()
    with LedgerSession(engine) as session:
        (result,) = session.get_one(Run, run_id).stages
        runs.begin(result, 1, "local", 4.0)
        runs.finish(result, StageState.PASSED, 5.0, 0)
        runs.settle(result.run, {"gate": STAGE}, 5.0)
        facts = {"folder": "/r/1", "manifest_sha256": "0" * 64, "audit_head": "a" * 64}
        runs.keep_release(session, result.run, facts, [], 6.0)
        session.commit()
    told = {one.entity: one for one in trail(engine)[2:]}
    assert set(told) == {"gate", "stage", "run", "release"}
    assert (told["gate"].actor, told["gate"].new["state"]) == ("bob", "opened")
    assert (told["stage"].actor, told["stage"].summary) == ("bob", "gate of run 1, attempt 1")
    assert told["stage"].old == {"state": "gate", "owner": ""}
    assert told["stage"].new == {"state": "queued", "owner": "bob"}
    assert told["run"].new["state"] == "running"
    assert told["release"].new["manifest_sha256"] == "0" * 64
    with LedgerSession(engine) as session:
        assert session.scalars(select(Release.audit_head)).all() == ["a" * 64]


def test_notes_and_odd_text(engine):
    with LedgerSession(engine, actor="a\x00nn\n\x1b[31m" + "n" * 300) as session:
        session.add(Thing(name="first"))
        facts = {"x": float("nan"), "nul": "\x00", "half": "\ud800", "set": {1}, "when": None, 1: 2}
        chain.note(session, "sign-in" * 20, "person", "ann", summary="in\x07", facts=facts)
        session.commit()
    thing, note = trail(engine)
    assert thing.entity == "thing"
    assert note.actor.startswith("a\N{REPLACEMENT CHARACTER}nn")
    assert (len(note.actor), len(note.action), note.summary) == (
        255,
        40,
        "in\N{REPLACEMENT CHARACTER}",
    )
    assert note.new["x"] == "NaN"
    assert verify(engine).problem == ""


def test_the_database_itself_refuses_to_forget(engine):
    with LedgerSession(engine) as session:
        chain.note(session, "look", "site")
        chain.note(session, "look", "site")
        session.commit()
    statements = ["update slipway_audit set actor = 'bob'", "delete from slipway_audit"]
    if engine.dialect.name == "sqlite":
        every = ", ".join(column.name for column in AuditRow.__table__.columns)
        some = every.replace("actor", "'bob'")
        statements.append(f"insert or replace into slipway_audit select {some} from slipway_audit")
        moved = some.replace("id,", "id + 2,", 1)
        statements.append(f"insert or replace into slipway_audit select {moved} from slipway_audit")
    else:
        statements.append("truncate slipway_audit")
    for statement in statements:
        with pytest.raises(DBAPIError, match="only ever added to"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert {one.actor for one in trail(engine)} == {"slipway"}
    assert verify(engine).rows == 2
