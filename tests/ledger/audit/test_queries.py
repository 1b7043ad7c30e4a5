"""Is the trail whole? Whatever is done to it behind Slipway's back is told in one sentence."""

# ruff: noqa: S608  the SQL is made of the tests' own words

import tracemalloc

import pytest
from sqlalchemy import insert, select

from slipway.ledger import runs
from slipway.ledger.audit import chain
from slipway.ledger.audit.queries import list_audit, verify
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Release
from tests.support.ledgers import make_ledger

TABLE = AuditRow.__table__


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.sqlite'}"
    return request.getfixturevalue("make_postgresql")()


@pytest.fixture
def engine(url):
    made = make_ledger(url)
    with LedgerSession(made, actor="ann") as session:
        for number in range(1, 11):
            chain.note(session, "look", "site", number, facts={"number": number})
        session.commit()
    # Who owns the database can take the guards away: that is what the chain is for.
    with made.begin() as connection:
        if made.dialect.name == "sqlite":
            for what in ("update", "delete", "insert"):
                connection.exec_driver_sql(f"drop trigger slipway_audit_{what}")
        else:
            connection.exec_driver_sql("drop trigger slipway_audit_refuse on slipway_audit")
    yield made
    made.dispose()


def tamper(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def rows(engine):
    with engine.connect() as connection:
        return [
            dict(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.id)).mappings()
        ]


def rewrite(engine, first):
    """Compute all hashes from a row on anew, as someone would who knows how."""
    kept = rows(engine)
    last = kept[first - 2]["hash"] if first > 1 else chain.GENESIS
    tamper(engine, f"delete from slipway_audit where id >= {first}")
    for row in kept[first - 1 :]:
        row["actor"], row["previous"] = "bob", last
        last = row["hash"] = chain.row_hash(row)
    with engine.begin() as connection:
        connection.execute(insert(TABLE), kept[first - 1 :])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("at", "at + 1"), ("actor", "'bob'"), ("action", "'x'"), ("entity", "'x'")),
        *(("entity_id", "'x'"), ("project", "'x'"), ("summary", "'x'")),
        *(("old", "'{}'"), ("new", """'{"number": 55}'"""), ("hash", "'f'")),
    ],
)
def test_an_altered_row_is_named(engine, column, value):
    assert verify(engine).problem == ""
    tamper(engine, f"update slipway_audit set {column} = {value} where id = 5")
    verdict = verify(engine)
    assert verdict.problem.startswith("row 5 of the audit trail (")
    assert verdict.problem.endswith("was altered: its content does not give its hash")
    assert verdict.rows == 4


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("= 1", "row 1 is missing"),
        ("= 5", "row 5 is missing"),
        ("between 4 and 6", "rows 4 to 6 are missing"),
    ],
)
def test_a_missing_row_is_named(engine, which, told):
    tamper(engine, f"delete from slipway_audit where id {which}")
    assert verify(engine).problem == f"{told} from the audit trail"


def test_a_removed_row_that_was_closed_over_is_found(engine):
    tamper(
        engine,
        "delete from slipway_audit where id = 5",
        *(f"update slipway_audit set id = {n} where id = {n + 1}" for n in range(5, 10)),
    )
    assert "row 5 of the audit trail" in verify(engine).problem


def test_an_inserted_row_is_found(engine):
    row = rows(engine)[-1] | {"id": 11, "actor": "bob", "previous": "a" * 64}
    row["hash"] = chain.row_hash(row)
    with engine.begin() as connection:
        connection.execute(insert(TABLE), [row])
    told = verify(engine).problem
    assert told.startswith("row 11 of the audit trail")
    assert "does not follow row 10: rows were removed, inserted or changed places" in told


def test_two_rows_that_changed_places_are_found(engine):
    tamper(
        engine,
        "update slipway_audit set id = 99 where id = 3",
        "update slipway_audit set id = 3 where id = 4",
        "update slipway_audit set id = 4 where id = 99",
    )
    assert "row 3 of the audit trail" in verify(engine).problem


def test_a_beginning_that_is_another_is_found(engine):
    row = rows(engine)[0] | {"previous": "b" * 64}
    row["hash"] = chain.row_hash(row)
    tamper(engine, "delete from slipway_audit")
    with engine.begin() as connection:
        connection.execute(insert(TABLE), [row])
    assert "does not follow the beginning" in verify(engine).problem


@pytest.mark.parametrize("how", ["cut", "emptied", "rewritten"])
def test_what_the_chain_alone_cannot_tell_an_anchor_tells(engine, how):
    with LedgerSession(engine) as session:
        anchor = chain.head(session)
    held = {anchor: "release almanac 1.4.0+7"}
    assert (verify(engine, held).problem, verify(engine, held).anchors) == ("", 1)
    if how == "rewritten":
        rewrite(engine, 6)
    else:
        tamper(engine, f"delete from slipway_audit where id > {8 if how == 'cut' else 0}")
    assert verify(engine).problem == ""
    told = verify(engine, held).problem
    assert anchor in told
    assert "which release almanac 1.4.0+7 saw: its end was cut off, or it was written anew" in told


def test_an_anchor_stays_good_when_the_trail_goes_on(engine):
    with LedgerSession(engine) as session:
        anchor = chain.head(session)
        chain.note(session, "look", "site")
        session.commit()
    verdict = verify(engine, {anchor: "a release", chain.GENESIS: "a release of an empty trail"})
    assert (verdict.problem, verdict.rows, verdict.anchors) == ("", 11, 2)


def test_the_ledgers_own_releases_are_anchors(engine, start_in):
    with LedgerSession(engine) as session:
        run = start_in(session)
        facts = {"folder": "/r/1", "manifest_sha256": "0" * 64, "audit_head": chain.head(session)}
        runs.keep_release(session, run, facts, [], 1.0)
        session.commit()
        anchor = session.scalars(select(Release.audit_head)).one()
        number = session.scalars(select(AuditRow.id).where(AuditRow.hash == anchor)).one()
    assert verify(engine).anchors == 1
    tamper(engine, f"delete from slipway_audit where id >= {number}")
    assert "which release almanac 1.4.0+1 saw" in verify(engine).problem


def test_a_trail_that_was_dropped_is_missing(engine):
    tamper(engine, "drop table slipway_audit")
    assert list_audit(engine) == []
    assert verify(engine).problem == "the table slipway_audit is missing"


def test_narrowing(engine):
    with LedgerSession(engine, actor="bob") as session:
        chain.note(session, "stop", "control", project="almanac")
        session.commit()
    newest = list_audit(engine)[0]
    assert [one.id for one in list_audit(engine, limit=2)] == [11, 10]
    assert [one.id for one in list_audit(engine, actor="bob")] == [11]
    assert [one.id for one in list_audit(engine, project="almanac")] == [11]
    assert list_audit(engine, actor="bob", project="other") == []
    assert [one.id for one in list_audit(engine, since=newest.at)] == [11]
    assert list_audit(engine, since=newest.at + 1) == []


@pytest.mark.slow
def test_a_long_trail_is_walked_in_little_memory(engine):
    with LedgerSession(engine) as session:
        for start in range(0, 20_000, 1000):
            entry = {
                "action": "x",
                "entity": "y",
                "project": "",
                "old": None,
                "new": {"a": "b" * 500},
            }
            numbers = range(start, start + 1000)
            chain.append(session, [{**entry, "entity_id": n, "summary": str(n)} for n in numbers])
        session.commit()
    tracemalloc.start()
    verdict = verify(engine)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verdict.problem, verdict.rows) == ("", 20_010)
    assert peak < 12_000_000
