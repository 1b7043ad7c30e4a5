"""What happens is written to the outbox with it, once, and what is rolled back is not."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.ledger import gates
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.outbox.collecting import Found, add, collect
from slipway.ledger.releases import blocks
from slipway.ledger.tables.gates import Deployment
from slipway.ledger.tables.outbox import OutboxNotice
from slipway.ledger.tables.runs import Release
from slipway.ledger.transitions import transition
from slipway.model.access import Person
from slipway.model.notices.events import Event
from slipway.model.states import DeploymentState, GateState

ADMIN = Person("root", frozenset({"viewer", "developer", "releaser", "admin"}))


@pytest.fixture
def session(engine):
    with LedgerSession(engine) as opened:
        collect(opened, frozenset(Event) - {Event.STAGE_CHANGED})
        yield opened


@pytest.fixture
def told(session):
    """Commit, and return the events that have been added since the last time."""
    seen = set()

    def look():
        session.commit()
        rows = session.scalars(select(OutboxNotice).order_by(OutboxNotice.id))
        new = [one for one in rows if one.key not in seen]
        seen.update(one.key for one in new)
        return [one.event for one in new]

    return look


def test_a_run_is_told_when_it_ends_and_not_before(walk, told):
    made = walk(one=(), two=("one",))
    made.advance()
    assert told() == []
    made.end("one")
    assert told() == []
    made.end("two")
    assert told() == ["run-passed"]
    assert told() == []


def test_a_state_that_only_passes_by_within_a_transaction_is_none(walk, told):
    made = walk(one=())
    made.advance()
    made.end("one", "failed")
    made.retry("one")
    assert told() == []


def test_what_is_rolled_back_leaves_nothing(walk, told, session):
    made = walk(one=())
    made.advance()
    session.commit()
    made.end("one", "failed")
    session.rollback()
    assert told() == []


def test_failed_still_failing_and_fixed_are_of_the_branch(start, walk, told):
    def ends(how):
        made = walk(one=())
        made.advance()
        made.end("one", how)
        return told()

    assert ends("failed") == ["run-failed"]
    assert ends("failed") == ["run-still-failing"]
    assert ends("passed") == ["run-fixed"]
    assert ends("passed") == ["run-passed"]


def test_a_run_that_a_person_has_go_on_is_told_again_by_what_it_was(walk, told):
    made = walk(one=())
    made.advance()
    made.end("one", "failed")
    assert told() == ["run-failed"]
    made.retry("one")
    assert told() == []
    made.end("one", "failed")
    assert told() == ["run-still-failing"]
    made.retry("one")
    made.end("one")
    assert told() == ["run-fixed"]


def test_a_gate_is_told_when_it_waits_is_asked_for_approved_and_opened(walk, told, session):
    made = walk(manual=("two",), one=(), two=("one",))
    made.stages["two"] = made.stages["two"].model_copy(update={"approvals": 1})
    made.advance()
    assert told() == []
    made.end("one")
    assert told() == ["gate-waits"]
    gate, stage = made.gate("two"), made.stages["two"]
    ann, ben = (Person(name, frozenset({"developer"})) for name in ("ann", "ben"))
    request = gates.Request(gate.token, comment="now?")
    gates.ask(session, gate, stage, ann, request, made.now)
    assert told() == ["approval-waits"]
    gates.approve(session, gate, stage, ben, gate.asking, "fine", made.now + 1)
    gates.queue_approved(session, gate, stage, made.now + 2)
    assert gate.state == GateState.OPENED
    assert told() == ["gate-approved"]
    row = session.scalars(select(OutboxNotice).order_by(OutboxNotice.id.desc())).first()
    assert row.facts["person"] == "ben"
    assert row.facts["asker"] == "ann"
    # Tokens and names of askings open gates: none is in what channels see.
    assert gate.token not in repr(row.facts) + row.key


def test_a_gate_that_one_person_opens_alone_is_no_news(walk, told):
    made = walk(manual=("one",), one=())
    made.advance()
    assert told() == ["gate-waits"]
    made.open("one")
    assert told() == []


@pytest.mark.parametrize("state", ["rejected", "expired"])
def test_a_gate_that_is_closed_is_told_with_its_run(walk, told, session, state):
    made = walk(manual=("one",), one=())
    made.advance()
    told()
    gates.close(session, made.gate("one"), made.stages["one"], GateState(state), "no", 2000.0)
    assert told() == [f"gate-{state}"]


@pytest.mark.parametrize(
    ("state", "rollback", "touched", "event"),
    [
        ("deployed", False, True, "deployed"),
        ("deployed", True, True, "rolled-back"),
        ("rolled-back", False, True, "deployment-failed"),
        ("failed", False, False, "deployment-failed"),
        ("failed", False, True, "health-lost"),
        ("cancelled", False, True, None),
    ],
)
def test_a_deployment_is_told_by_how_it_left_the_environment(
    walk, told, session, state, rollback, touched, event
):
    made = walk(one=())
    made.advance()
    release = Release(
        run=made.run, version="1", place="p", manifest_sha256="0" * 64, published_at=1.0
    )
    session.add(release)
    session.flush()
    row = Deployment(
        project="almanac",
        environment="live",
        release_id=release.id,
        stage_id=made.run.stages[0].id,
        rollback=rollback,
        started_at=1.0,
        facts={"touched": touched},
    )
    session.add(row)
    assert told() == []
    transition(row, DeploymentState(state), "test", 2.0)
    assert told() == ([event] if event else [])


def test_blocks_are_told_when_they_begin_and_end(walk, told, session):
    run = walk(one=()).run
    release = Release(run=run, version="1", place="p", manifest_sha256="0" * 64, published_at=1.0)
    session.add(release)
    session.flush()
    blocks.block(session, release, ADMIN, "broken", 5.0)
    assert told() == ["release-blocked"]
    blocks.unblock(session, release, ADMIN)
    assert told() == ["release-unblocked"]
    blocks.block(session, release, ADMIN, "again", 6.0)
    assert told() == ["release-blocked"]


def test_what_nobody_wants_is_not_written(engine, start_in):
    with LedgerSession(engine) as session:
        collected = collect(session, {Event.DEPLOYED})
        run = start_in(session)
        session.commit()
        assert collected.count == 0
        assert run.number == 1


def test_stages_are_told_where_it_is_wanted(engine, start_in, make_stages):
    from tests.ledger.conftest import Walk

    with LedgerSession(engine) as session:
        collect(session, {Event.STAGE_CHANGED})
        made = Walk(session, make_stages(one=()), start_in(session, trigger="force"))
        made.advance()
        session.commit()
        made.end("one")
        session.commit()
        rows = session.scalars(select(OutboxNotice).order_by(OutboxNotice.id)).all()
        assert [one.facts["changed"]["state"] for one in rows] == ["queued", "passed"]
        assert len({one.key for one in rows}) == 2


def test_the_same_thing_is_written_once_and_no_database_refuses_its_text(session):
    found = Found(Event.DISK_LOW, "disk-1", 1.0, facts={"text": "half \ud800 nul \0", "list": [1]})
    add(session, [found, found])
    session.commit()
    add(session, [found])
    session.commit()
    (row,) = session.scalars(select(OutboxNotice)).all()
    assert row.facts == {"text": "half ? nul \ufffd", "list": [1]}
