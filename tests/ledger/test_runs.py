"""Runs: numbered, started once, joined, settled; all from the tables alone."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from slipway.ledger import run_state, runs
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.model.commit import Cause, Commit
from slipway.model.states import StageState


@pytest.mark.slow
def test_runs_are_numbered_by_project(start):
    first, second = start(trigger="force"), start(trigger="force")
    other = start("other", trigger="force")
    assert [(run.project, run.number) for run in (first, second, other)] == [
        ("almanac", 1),
        ("almanac", 2),
        ("other", 1),
    ]
    assert [run.version for run in (first, second, other)] == ["1.4.0+1", "1.4.0+2", "1.4.0+1"]
    assert (first.state, first.owner, first.reason) == ("running", "ann", "why")


@pytest.mark.slow
def test_a_poll_starts_one_run_a_revision(start, session):
    assert start().number == 1
    assert start() is None
    assert start(branch="next").number == 2
    assert start(revision="b" * 40).number == 3
    assert start(revision="b" * 40) is None
    assert session.scalar(select(func.count()).select_from(Run)) == 3


def test_going_back_to_an_older_revision_is_news(start):
    start()
    start(revision="b" * 40)
    assert start().number == 3


def test_a_forced_run_is_no_poll(start, session):
    start(trigger="force")
    assert runs.polled_revision(session, "almanac", "main") is None
    assert start().number == 2
    assert runs.polled_revision(session, "almanac", "main") == "a" * 40
    assert runs.polled_revision(session, "other", "main") is None


def test_a_number_is_given_once(start, session):
    run = start()
    session.add(
        Run(
            project=run.project,
            number=run.number,
            branch="main",
            revision="c" * 40,
            version="1",
            committed_at=1,
            trigger="poll",
            started_at=1.0,
        )
    )
    with pytest.raises(IntegrityError, match="slipway_run"):
        session.flush()


def test_a_chain_starts_one_after_the_other(walk):
    going = walk(a=[], b=["a"], c=["b"])
    assert going.advance() == (["a"], "running")
    assert going.advance() == ([], "running")
    assert going.end("a") == (["b"], "running")
    assert going.end("b") == (["c"], "running")
    assert going.run.finished_at is None
    assert going.end("c") == ([], "passed")
    assert going.run.finished_at == going.now


def test_a_join_waits_for_all(walk):
    going = walk(a=[], b=[], c=[], join=["a", "b", "c"])
    assert going.advance() == (["a", "b", "c"], "running")
    assert going.end("b") == ([], "running")
    assert going.end("a") == ([], "running")
    assert run_state.unmet(going.run, going.stages["join"], going.stages) == ["c"]
    assert going.end("c") == (["join"], "running")
    assert run_state.unmet(going.run, going.stages["join"], going.stages) == []


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_waits_for_a_stage_that_did_not_pass_never_starts(walk, state):
    going = walk(a=[], b=[], join=["a", "b"], after=["join"])
    going.advance()
    assert going.end("a", state) == ([], "running")
    assert going.end("b") == ([], state)
    assert going.states == {"a": state, "b": "passed"}
    assert going.run.finished_at == going.now


def test_failed_counts_more_than_cancelled(walk):
    going = walk(a=[], b=[])
    going.advance()
    going.end("a", "cancelled")
    assert going.end("b", "failed") == ([], "failed")


def test_a_gate_waits_for_its_person(walk):
    going = walk(["gate"], a=[], gate=["a"], after=["gate"])
    going.advance()
    assert going.end("a") == (["gate"], "waiting")
    assert going.states["gate"] == "gate"
    assert going.advance() == ([], "waiting")
    opened = going.open("gate", "ann")
    assert (opened.state, opened.owner, opened.attempt) == ("queued", "ann", 1)
    assert (going.run.state, going.run.finished_at) == ("running", None)
    assert going.end("gate") == (["after"], "running")
    assert going.end("after") == ([], "passed")


def test_a_gate_beside_a_failure_makes_no_run_wait(walk):
    going = walk(["gate"], a=[], b=[], gate=["a"])
    going.advance()
    assert going.end("a") == (["gate"], "running")
    assert going.end("b", "failed") == ([], "failed")


def test_a_gate_tried_again_asks_again(walk):
    going = walk(["gate"], gate=[])
    going.advance()
    going.open("gate")
    going.end("gate", "failed")
    again = going.retry("gate", "ann")
    assert (again.attempt, again.state) == (2, "gate")
    assert going.gate("gate").state == "open"


def test_a_gate_tried_again_by_itself_asks_nobody(walk):
    going = walk(["gate"], gate=[])
    going.advance()
    going.open("gate")
    going.end("gate", "failed")
    again = going.retry("gate", "")
    assert (again.attempt, again.state, again.owner, again.tries) == (2, "queued", "ann", 1)
    assert going.gate("gate").state == "opened"


def test_the_newest_attempt_counts(walk):
    going = walk(a=[], b=["a"])
    going.advance()
    assert going.end("a", "failed") == ([], "failed")
    again = going.retry("a")
    assert (again.attempt, again.state, going.run.state) == (2, "queued", "running")
    assert going.run.finished_at is None
    assert going.end("a") == (["b"], "running")
    assert [(one.name, one.attempt, one.state) for one in going.run.stages] == [
        ("a", 1, "failed"),
        ("a", 2, "passed"),
        ("b", 1, "queued"),
    ]
    assert going.end("b") == ([], "passed")


def test_an_attempt_is_there_once(walk):
    going = walk(a=[])
    going.advance()
    twin = StageResult(name="a", uses="command", attempt=1, queued_at=1.0, facts={})
    going.run.stages.append(twin)
    with pytest.raises(IntegrityError, match="slipway_stage"):
        going.session.flush()


def test_a_stage_that_left_the_pipeline_does_not_hold_a_run(walk):
    going = walk(a=[], b=[])
    going.advance()
    going.end("a", "failed")
    del going.stages["a"]
    assert going.end("b") == ([], "passed")


def test_a_run_that_has_ended_stays_so_when_the_pipeline_changes(walk):
    going = walk(a=[], b=[])
    going.advance()
    going.end("a", "failed")
    assert going.end("b") == ([], "failed")
    ended = going.run.finished_at
    del going.stages["a"]
    assert going.advance() == ([], "failed")
    assert going.run.finished_at == ended
    going.retry("b")
    assert going.end("b") == ([], "passed")


def test_beginning_again_forgets_what_the_killed_build_left(walk):
    going = walk(a=[])
    going.advance()
    result = run_state.counting(going.run)["a", ""]
    runs.begin(result, 6, "local", 1500.0)
    half = Artefact(name="half.zip", sha256="0" * 64, size=1, media_type="x/y", role="product")
    result.artefacts.append(half)
    result.summary, result.facts = "no", {"x": 1}
    runs.begin(result, 7, "other", 2000.0)
    going.session.flush()
    assert (result.state, result.build_id, result.worker) == ("running", 7, "other")
    assert (result.exit_code, result.summary, result.facts) == (None, "", {})
    assert (result.started_at, result.finished_at, result.artefacts) == (2000.0, None, [])


def test_what_never_began_ends_when_it_began(walk):
    going = walk(a=[])
    going.advance()
    result = run_state.counting(going.run)["a", ""]
    runs.finish(result, StageState.CANCELLED, 5000.0)
    assert (result.started_at, result.finished_at, result.exit_code) == (5000.0, 5000.0, None)


def test_inputs_are_the_products_of_needs(walk):
    going = walk(a=[], b=[], c=["a"], join=["a", "c"])
    going.advance()
    going.end("a", artefacts=[("a.zip", "product"), ("a.html", "report")])
    going.end("b", artefacts=[("b.zip", "product")])
    going.end("c", artefacts=[("c.zip", "product")])
    found = run_state.inputs(going.run, going.stages["join"])
    assert [artefact.name for _, artefact in found] == ["a.zip", "c.zip"]
    assert run_state.inputs(going.run, going.stages["a"]) == []


def test_inputs_are_of_the_newest_attempt(walk):
    going = walk(a=[], b=["a"])
    going.advance()
    going.end("a", artefacts=[("old.zip", "product")])
    going.retry("a")
    going.end("a", artefacts=[("new.zip", "product")])
    assert [one.name for _, one in run_state.inputs(going.run, going.stages["b"])] == ["new.zip"]


def test_a_release_is_kept_once(start, session):
    run = start()
    facts = {"folder": "/releases/1.4.0+1", "manifest_sha256": "0" * 64}
    for _ in range(2):
        runs.keep_release(session, run, facts, [], 2000.0)
        session.flush()
        session.expire(run)
    (release,) = session.scalars(select(Release))
    assert (release.version, release.place) == ("1.4.0+1", "/releases/1.4.0+1")
    runs.keep_release(session, run, facts | {"folder": "/mirror"}, [], 2001.0)
    session.flush()
    assert session.scalar(select(func.count()).select_from(Release)) == 2


@pytest.mark.parametrize("facts", [{}, {"folder": "/x"}, {"manifest_sha256": "0" * 64}])
def test_a_release_without_place_or_manifest_is_none(start, session, facts):
    runs.keep_release(session, start(), facts, [], 2000.0)
    session.flush()
    assert session.scalar(select(func.count()).select_from(Release)) == 0


def test_a_run_goes_with_all_it_has(walk):
    going = walk(a=[])
    going.advance()
    going.end("a", artefacts=[("a.zip", "product")])
    going.session.delete(going.run)
    going.session.flush()
    assert going.session.scalar(select(func.count()).select_from(StageResult)) == 0


def test_two_at_once_cannot_take_the_same_number(engine, session, start):
    from slipway.ledger.database.session import LedgerSession

    start()
    session.commit()
    commit = Commit("main", "b" * 40, "1.4.0", 1)
    with LedgerSession(engine) as one, LedgerSession(engine) as two:
        assert runs.start_run(one, "almanac", commit, Cause("poll"), 1.0).number == 2
        one.commit()
        assert runs.start_run(two, "almanac", commit, Cause("poll"), 1.0) is None
