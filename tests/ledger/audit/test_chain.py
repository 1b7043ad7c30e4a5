"""The audit trail as a chain: many writers, older ledgers, rows made again from it."""

import threading

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.exc import DBAPIError

from slipway.ledger.audit import chain
from slipway.ledger.audit.queries import list_audit, verify
from slipway.ledger.audit.recording import AuditRow
from slipway.ledger.database.migrate import configuration, upgrade
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Release, Run
from slipway.scripts.stages.command.stage import CommandStage
from tests.support.ledgers import make_ledger

from .things import Base, Thing, trail

STAGE = CommandStage(uses="command", argv=("true",), manual=True)


@pytest.fixture
def engine(url):
    made = make_ledger(url)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.mark.slow
def test_eight_writers_at_once_make_one_chain(engine):
    failures = []

    def write(name):
        try:
            for number in range(10):
                with LedgerSession(engine, actor=name) as session:
                    if number % 2:
                        session.add(Thing(name=name, size=number))
                    chain.note(session, "count", "site", number)
                    session.commit()
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=write, args=(f"writer{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    verdict = verify(engine)
    assert (verdict.problem, verdict.rows) == ("", 8 * 15)


def test_two_rows_cannot_have_the_same_previous_hash(engine):
    row = {**dict.fromkeys(("actor", "action", "entity", "entity_id", "project", "summary"), "")}
    row |= {"at": 1.0, "previous": chain.GENESIS}
    with engine.begin() as connection:
        connection.execute(insert(AuditRow.__table__), [{**row, "id": 1, "hash": "a" * 64}])
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(insert(AuditRow.__table__), [{**row, "id": 2, "hash": "b" * 64}])


@pytest.mark.slow
def test_an_older_ledger_is_brought_up_with_what_is_in_it(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0001")
        connection.exec_driver_sql(
            "insert into slipway_run (project, number, branch, revision, version, subject, author,"
            " committed_at, trigger, owner, reason, state, started_at)"
            " values ('almanac', 1, 'main', 'a', '1+1', '', '', 1, 'poll', '', '', 'passed', 1.0)"
        )
        connection.exec_driver_sql(
            "insert into slipway_release (run_id, version, place, manifest_sha256, published_at)"
            " values (1, '1+1', '/r', 'b', 2.0)"
        )
    assert list_audit(engine) == []
    assert verify(engine).problem == ""
    upgrade(engine)
    with LedgerSession(engine, actor="ann") as session:
        release = session.scalars(select(Release)).one()
        assert (release.audit_head, release.run.version) == (None, "1+1")
        session.delete(release)
        session.commit()
    assert [one.action for one in trail(engine)] == ["delete"]
    with engine.begin() as connection:
        command.check(configuration(connection))
    with pytest.raises(RuntimeError, match="has 1 rows"), engine.begin() as connection:
        command.downgrade(configuration(connection), "0001")
    assert verify(engine).rows == 1
    engine.dispose()


@pytest.mark.slow
def test_downgrade_without_a_trail(url):
    engine = create_engine(url)
    upgrade(engine)
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "0001")
    upgrade(engine)
    assert verify(engine).rows == 0
    engine.dispose()


def test_a_flush_costs_three_statements_however_many_rows(engine):
    seen = []
    with LedgerSession(engine) as session:
        session.add_all(Thing(name=str(n)) for n in range(50))
        event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
        session.commit()
    of_trail = [one for one in seen if "slipway_audit" in one or "BEGIN" in one or "lock" in one]
    assert len(of_trail) <= 4
    assert verify(engine).rows == 50


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete", "commit", "rollback", "flush"]),
        st.integers(0, 5),
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
        st.none() | st.integers(-(2**31), 2**31 - 1),
    ),
    max_size=25,
)


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_the_rows_can_be_made_again_from_the_trail(engine, steps):
    with LedgerSession(engine, actor="ann") as session:
        for what, which, name, size in steps:
            _step(session, what, which, name and name[:50], size)
        session.commit()
        kept = {
            one.id: {"name": one.name, "size": one.size} for one in session.scalars(select(Thing))
        }
    assert _rebuilt(engine) == kept
    assert verify(engine).problem == ""


def _step(session, what, which, name, size):
    if what in {"commit", "rollback", "flush"}:
        getattr(session, what)()
        return
    if what == "insert":
        session.add(Thing(name=name, size=size))
        return
    rows = session.scalars(select(Thing).order_by(Thing.id)).all()
    if rows:
        thing = rows[which % len(rows)]
        if what == "delete":
            session.delete(thing)
        else:
            thing.name, thing.size = name, size


def _rebuilt(engine):
    state = {}
    for row in reversed(list_audit(engine, limit=100_000)):
        key = int(row.entity_id)
        if row.action == "insert":
            assert key not in state
            state[key] = {name: row.new[name] for name in ("name", "size")}
        elif row.action == "update":
            assert {name: state[key][name] for name in row.old} == row.old
            state[key].update(row.new)
        else:
            old = state.pop(key)
            assert {name: row.old[name] for name in old} == old
    return state


def test_the_trail_is_the_ledgers_own_table():
    assert AuditRow.metadata is Run.metadata
