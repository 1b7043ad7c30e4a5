"""What people are told of, as the ledger has it: each thing once, with the place to look."""

from __future__ import annotations

import pytest

from slipway.ledger.notices import happened
from slipway.ledger.tables.gates import Deployment
from slipway.ledger.tables.runs import Release
from slipway.ledger.transitions import transition
from slipway.model.notices.events import Event
from slipway.model.states import DeploymentState

URL = "http://localhost:8010/"


@pytest.fixture
def told(session):
    """Return what is told of the first run of almanac, as `(event, stage, text)`."""

    def look(since=0.0, numbers=(1,), project="almanac"):
        session.flush()
        return happened(session, project, numbers, since, URL)

    return look


def shown(notices):
    return [(one.event, one.stage, one.text) for one in notices]


def test_a_run_that_is_at_work_is_not_told_and_one_that_has_ended_once(walk, told):
    made = walk(one=(), two=("one",))
    made.advance()
    assert told() == []
    made.end("one")
    made.end("two")
    (notice,) = told()
    assert notice.event is Event.RUN_PASSED
    assert (notice.run, notice.version, notice.subject) == (1, made.run.version, "a subject")
    assert notice.url == f"{URL}#/pipelines/almanac/1"
    assert told() == [notice]
    assert told(since=made.now + 1) == []
    assert told(numbers=(2,)) == told(project="other") == []


def test_a_run_that_failed_says_which_stage_and_why_and_again_when_it_fails_again(walk, told):
    made = walk(one=())
    made.advance()
    made.end("one", "failed")
    (notice,) = told()
    assert (notice.event, notice.stage) == (Event.RUN_FAILED, "one")
    made.retry("one")
    assert told() == []
    made.end("one", "failed")
    (second,) = told()
    assert second.id != notice.id


def test_a_gate_that_waits_is_told_with_the_link_that_shows_it(walk, told):
    made = walk(manual=("go",), one=(), go=("one",))
    made.advance()
    made.end("one")
    waiting = [one for one in told() if one.event is Event.GATE_WAITS]
    assert [(one.stage, one.url) for one in waiting] == [
        ("go", f"{URL}#/pipelines/almanac/1?stage=go")
    ]
    made.open("go")
    assert [one for one in told() if one.event is Event.GATE_WAITS] == []


@pytest.mark.parametrize(
    ("state", "event", "text"),
    [
        (DeploymentState.DEPLOYED, Event.DEPLOYED, ""),
        (DeploymentState.ROLLED_BACK, Event.DEPLOYMENT_FAILED, "it is not healthy"),
        (DeploymentState.FAILED, Event.DEPLOYMENT_FAILED, "it is not healthy"),
    ],
)
def test_a_deployment_is_told_when_it_has_ended(walk, session, told, state, event, text):
    made = walk(one=())
    made.advance()
    stage = made.run.stages[0]
    facts = {"version": "1.4.0", "place": "p", "manifest_sha256": "", "published_at": 1000.0}
    release = Release(run=made.run, artefacts=[], **facts)
    session.add(release)
    session.flush()
    row = Deployment(
        project="almanac",
        environment="staging",
        release_id=release.id,
        stage_id=stage.id,
        person="ann",
        message="it is not healthy",
        started_at=1000.0,
        values={},
        facts={},
    )
    session.add(row)
    assert told() == []
    session.flush()
    transition(row, state, "it has ended", 1005.0)
    (notice,) = told()
    assert (notice.event, notice.text) == (event, text)
    assert (notice.environment, notice.person, notice.stage) == ("staging", "ann", "one")
