"""Opening early and rolling back: looked at without a row, made by the asking."""

import pytest
from sqlalchemy import func, select

from slipway.ledger import deployments, gate_openings, gates, run_state, runs
from slipway.ledger.gate_requests import Request
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Release, StageResult
from slipway.ledger.tables.stated import write
from slipway.model.access import Person, held
from slipway.model.errors import WrongInput
from slipway.model.site import Project
from slipway.model.states import DeploymentState, GateState, StageState

ANN = Person("ann", held(["developer"]))
PROJECT = Project.model_validate(
    {
        "repository": "source",
        "environments": {"staging": {"deployer": {"kind": "command", "argv": ["true"]}}},
        "stages": {
            "publish": {"uses": "publish", "needs": []},
            "staging": {
                "uses": "deploy",
                "environment": "staging",
                "needs": ["publish"],
                "manual": True,
                "expires": "1h",
            },
            "after": {"uses": "command", "argv": ["true"], "needs": ["staging"]},
        },
    }
)


def release(run, at=1.0):
    """Return what publish has made of a run."""
    return Release(
        run=run,
        version=run.version,
        place=f"/{run.number}",
        manifest_sha256="0" * 64,
        published_at=at,
        artefacts=[],
    )


def deploy(going, attempt, state="deployed"):
    """Have an attempt bring its run's release to staging."""
    session, gate = going.session, gates.of_stage(going.session, attempt)
    going.now += 1
    made = deployments.release_of(session, going.run)
    begun = deployments.begin(session, attempt, "staging", made, gate, going.now)
    deployments.finish(begun, DeploymentState(state), "", {}, going.now)
    session.flush()
    return begun


@pytest.fixture
def travel(session, start):
    """Return a starter of runs through the project; deployed ones have passed everything."""
    from .conftest import Walk

    def begin(*, deployed=True):
        going = Walk(session, PROJECT.stages, start(trigger="force"))
        going.advance()
        if deployed:
            going.end("publish")
            run = going.run
            session.add(release(run, going.now))
            deploy(going, going.open("staging"))
            going.end("staging")
            going.end("after")
            assert run.state == "passed"
        return going

    return begin


def back(session, run):
    return gate_openings.back(session, "almanac", PROJECT, run.number, "staging")


def early(session, run, name="staging"):
    return gate_openings.early(session, "almanac", PROJECT, run.number, name)


def rows(session):
    session.flush()
    return [session.scalar(select(func.count()).select_from(one)) for one in (Gate, StageResult)]


def ask(session, opening, now=5_000.0):
    gate = opening.make(session, ANN, now)
    gates.ask(session, gate, opening.stage, ANN, Request(opening.token), now)
    return gate


def test_looking_writes_nothing_and_shows_the_same_token_each_time(session, travel):
    done, fresh = travel(), travel(deployed=False)
    before = rows(session)
    for look in (lambda: back(session, done.run), lambda: early(session, fresh.run)):
        one, two = look(), look()
        assert (one.gate, one.token) == (None, two.token)
        shown = one.shown(1.0)
        assert (shown.id, shown.state, shown.rollback) == (0, "open", one.rollback)
        assert shown not in session
    assert rows(session) == before
    assert back(session, done.run).token != early(session, fresh.run).token


def test_the_asking_makes_the_gate_and_a_second_click_finds_it(session, travel):
    going = travel(deployed=False)
    opening = early(session, going.run)
    gate = ask(session, opening)
    assert (gate.state, gate.stage_id, gate.token) == ("approved", None, opening.token)
    assert gate_openings.asked_with(session, "almanac", 1, "staging", opening.token) is gate
    assert early(session, going.run).gate is gate
    going.end("publish")
    assert gates.queue_approved(session, gate, opening.stage, 5_001.0).state == "queued"


@pytest.mark.slow
def test_a_rollback_changes_nothing_of_the_run(session, travel):
    first, second = travel(), travel()
    finished, states = first.run.finished_at, dict(first.states)
    opening = back(session, first.run)
    gate = ask(session, opening)
    attempt = session.get(StageResult, gate.stage_id)
    assert (attempt.rollback, attempt.attempt, attempt.owner) == (True, 2, "ann")
    assert gates.brings_back(session, gate)
    for state in ("gate", "queued", "running", "failed", "passed", "cancelled", "rejected"):
        write(attempt, StageState(state))
        runs.settle(first.run, PROJECT.stages, 9_000.0)
        assert (first.run.state, first.run.finished_at) == ("passed", finished)
        assert first.states == states
        assert run_state.ready(first.run, PROJECT.stages) == []
    assert second.run.state == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_no_to_a_rollback_leaves_the_run_as_it_was(session, travel, end):
    going = travel()
    gate = ask(session, back(session, going.run))
    gates.close(session, gate, PROJECT.stages["staging"], GateState(end), "no", 9_000.0)
    runs.settle(going.run, PROJECT.stages, 9_000.0)
    assert going.run.state == "passed"
    assert session.get(StageResult, gate.stage_id).state == end
    # The next time it is another, with a token of its own.
    assert back(session, going.run).token != gate.token


def test_a_rollback_that_is_tried_again_by_itself_is_a_rollback_still(session, travel):
    going = travel()
    gate = ask(session, back(session, going.run))
    attempt = gates.queue_approved(session, gate, PROJECT.stages["staging"], 5_001.0)
    runs.begin(attempt, 1, "local", 5_001.0)
    runs.finish(attempt, StageState.FAILED, 5_002.0, 3)
    more = runs.again(session, going.run, attempt, PROJECT.stages["staging"], 9_001.0)
    assert (more.rollback, more.state, going.run.state) == (True, "queued", "passed")
    assert gates.of_stage(session, more) is gate


def test_the_stage_before_run_again_outdates_no_rollback(session, travel):
    going = travel()
    gate = ask(session, back(session, going.run))
    runs.outdate(session, going.run, "publish", PROJECT.stages, 9_000.0)
    assert not session.get(StageResult, gate.stage_id).stale
    assert gate.state == "approved"


def test_one_rollback_at_a_time(session, travel):
    going = travel()
    opening = back(session, going.run)
    gate = ask(session, opening)
    assert back(session, going.run).gate is gate
    gates.queue_approved(session, gate, opening.stage, 5_001.0)
    with pytest.raises(WrongInput, match="staging of run 1 is queued already"):
        back(session, going.run)


def test_a_superseded_runs_release_comes_back_without_reviving_the_run(session, travel):
    going = travel(deployed=False)
    going.end("publish")
    session.add(release(going.run))
    deploy(going, going.open("staging"))
    going.run.superseded_by = 7
    going.end("staging")
    assert going.run.state == "cancelled"
    gate = ask(session, back(session, going.run))
    runs.settle(going.run, PROJECT.stages, 9_000.0)
    assert (going.run.state, going.run.superseded_by) == ("cancelled", 7)
    assert gates.brings_back(session, gate)


def test_what_cannot_be_asked_for_is_told(session, travel):
    done, fresh = travel(), travel(deployed=False)
    before = rows(session)
    told = {
        "almanac has no run 9": lambda: gate_openings.back(
            session, "almanac", PROJECT, 9, "staging"
        ),
        "run 2 of almanac has made no release": lambda: back(session, fresh.run),
        "staging of run 1 has been tried already": lambda: early(session, done.run),
    }
    for sentence, work in told.items():
        with pytest.raises(WrongInput, match=sentence):
            work()
    done.run.pruned_at = 1.0
    with pytest.raises(WrongInput, match="was pruned"):
        back(session, done.run)
    fresh.end("publish", "failed")
    with pytest.raises(WrongInput, match="has failed; staging will not become ready"):
        early(session, fresh.run)
    assert rows(session) == before


def test_a_run_that_was_never_deployed_there_is_not_brought_back(session, travel):
    going = travel(deployed=False)
    going.end("publish")
    session.add(release(going.run))
    own = going.gate("staging")
    before = rows(session)
    never = (
        "the release of run 1 of almanac was never deployed to staging: nothing to bring back; "
        "deploy it with `slipway deploy staging --run 1`"
    )
    with pytest.raises(WrongInput, match=never):
        back(session, going.run)
    assert (rows(session), own.state) == (before, "open")
    assert early(session, going.run).gate is own
    # What was tried there and did not stay was not deployed either.
    deploy(going, going.open("staging"), "rolled-back")
    going.end("staging", "failed")
    with pytest.raises(WrongInput, match=never):
        back(session, going.run)
    assert going.run.state == "failed"


def test_a_rollback_is_beside_the_runs_own_gate(session, travel):
    going, stage = travel(), PROJECT.stages["staging"]
    going.retry("staging")
    own = going.gate("staging")
    opening = back(session, going.run)
    assert (opening.gate, opening.rollback) == (None, True)
    gate = ask(session, opening)
    assert gate is not own
    assert back(session, going.run).gate is gate
    assert gate_openings.early(session, "almanac", PROJECT, going.run.number, "staging").gate is own
    attempt = gates.queue_approved(session, gate, stage, 5_001.0)
    assert (attempt.rollback, attempt.state) == (True, "queued")
    runs.settle(going.run, PROJECT.stages, 5_002.0)
    assert (own.state, going.states["staging"], going.run.state) == ("open", "gate", "waiting")


@pytest.mark.slow
@pytest.mark.parametrize("end", ["opened", "rejected", "expired", "cancelled"])
def test_a_decided_gate_keeps_what_ran_when_it_was_decided(session, travel, end):
    first, second = travel(), travel(deployed=False)
    ran = deployments.current(session, "almanac", "staging")
    second.end("publish")
    session.add(release(second.run))
    gate, stage = second.gate("staging"), PROJECT.stages["staging"]
    if end == "opened":
        attempt = second.open("staging")
    elif end == "rejected":
        gates.reject(session, gate, stage, ANN, "no", second.now)
    else:
        gates.close(session, gate, stage, GateState(end), "too late", second.now)
    assert (gate.state, gate.previous_id) == (end, ran.id)
    # What comes there later changes nothing of it, but what comes before it begins does.
    later = deploy(first, ask_back(session, first))
    assert gate.previous_id == ran.id
    if end == "opened":
        begun = deploy(second, attempt)
        assert (begun.previous_id, gate.previous_id) == (later.id, later.id)
        deploy(first, ask_back(session, first))
        assert gate.previous_id == later.id


def ask_back(session, going):
    """Have a run's release brought back; return the attempt, which has been let go."""
    gate = ask(session, back(session, going.run))
    attempt = gates.queue_approved(session, gate, PROJECT.stages["staging"], 5_001.0)
    runs.begin(attempt, 1, "local", 5_001.0)
    runs.finish(attempt, StageState.PASSED, 5_002.0, 0)
    return attempt


def test_the_first_deployment_replaces_nothing(session, travel):
    going = travel()
    assert gates.of_stage(session, going.run.stages[1]).previous_id is None
