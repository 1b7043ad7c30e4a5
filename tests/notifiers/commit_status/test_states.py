"""The notifier `commit-status` at each service: the states that people see at a commit."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from slipway.model.notices.events import ALL, Event
from slipway.model.notices.examples import example_of
from slipway.model.states import StageState
from slipway.notifiers.commit_status.notifier import CommitStatusNotifier
from slipway.notifiers.commit_status.services import SERVICES
from slipway.notifiers.commit_status.statuses import statuses_of
from tests.notifiers.commit_status.conftest import CONTEXT, ended, stage
from tests.support.forges.github import REVISION
from tests.support.forges.statuses import latest

WORDS = {
    "github": ("pending", "success", "failure", "error"),
    "gitlab": ("running", "success", "failed", "canceled"),
    "gitea": ("pending", "success", "failure", "error"),
    "forgejo": ("pending", "success", "failure", "error"),
}


def test_each_stage_has_a_status_and_the_run_one(told):
    running, good, bad, _ = WORDS[told.service]
    told.send(stage("queued", 1.0), stage("running", 2.0))
    seen = latest(told.server.statuses)
    assert seen == {
        "slipway/tests": (running, "is running"),
        "slipway": (running, "almanac 1.4.0+7 is running"),
    }
    told.send(
        stage("passed", 3.0, summary="214 tests passed"),
        stage("running", 4.0, name="freeze", cell="linux"),
        stage("failed", 5.0, name="freeze", cell="linux", summary="cx_Freeze ended with 1"),
        ended(Event.RUN_FAILED, 6.0, text="cx_Freeze ended with 1"),
    )
    seen = latest(told.server.statuses)
    assert seen["slipway/tests"] == (good, "passed: 214 tests passed")
    assert seen["slipway/freeze [linux]"] == (bad, "failed: cx_Freeze ended with 1")
    state, text = seen["slipway"]
    assert (state, text.endswith("failed in tests: cx_Freeze ended with 1")) == (bad, True)
    urls = {one["context"]: one["target_url"] for one in told.server.statuses}
    assert urls["slipway/tests"].endswith("#/pipelines/almanac/7?stage=tests")
    assert urls["slipway"].endswith("#/pipelines/almanac/7")
    assert {one["sha"] for one in told.server.statuses} == {REVISION}


def test_a_run_that_goes_on_after_its_end_is_running_again(told):
    running, good, _, stopped = WORDS[told.service]
    told.send(stage("running", 1.0), stage("cancelled", 2.0), ended(Event.RUN_CANCELLED, 3.0))
    assert latest(told.server.statuses)["slipway"][0] == stopped
    told.send(stage("queued", 4.0), stage("running", 5.0))
    assert latest(told.server.statuses)["slipway"][0] == running
    told.send(stage("passed", 6.0), ended(Event.RUN_FIXED, 7.0))
    assert latest(told.server.statuses)["slipway"][0] == good


def test_that_the_run_is_running_is_told_once(told):
    told.send(*(stage("running", float(n), name=f"part-{n}") for n in range(5)))
    assert told.posts == 6


def test_an_older_state_does_not_take_the_place_of_a_newer(told):
    """Two runs of one commit, of which the first one's notice had to wait."""
    told.send(stage("passed", 9.0), ended(at=10.0))
    later = told.posts
    said = told.send(stage("failed", 5.0), ended(Event.RUN_FAILED, 6.0))
    assert said == [
        "slipway/tests: a later state was told already",
        "slipway: a later state was told already",
    ]
    assert told.posts == later
    told.sender.close()
    assert "later" in told.sender.send(stage("failed", 5.0), CONTEXT)


def test_what_was_told_before_a_restart_may_be_told_again(told, tmp_path):
    """GitLab refuses to make an open status open again: that is no failure."""
    told.send(stage("running", 1.0))
    again = told.made(tmp_path)
    again.send(stage("running", 1.0), CONTEXT)
    again.send(stage("queued", 1.0), CONTEXT)
    again.send(stage("passed", 2.0), CONTEXT)
    again.close()
    good = WORDS[told.service][1]
    assert latest(told.server.statuses)["slipway/tests"] == (good, "passed")


@pytest.mark.parametrize("state", StageState)
def test_each_state_of_a_stage_has_a_status(state):
    of_stage, *of_run = statuses_of(stage(state), "slipway")
    assert of_stage.text
    assert bool(of_run) == (state in {StageState.QUEUED, StageState.RUNNING})
    for service in SERVICES.values():
        assert service.body(of_stage)["state"]


@pytest.mark.parametrize("event", [*ALL, Event.DIGEST])
def test_of_other_events_nothing_is_told(told, event):
    if event in CommitStatusNotifier.default_events:
        assert len(list(statuses_of(example_of(event), "slipway"))) == 1
    else:
        assert told.send(example_of(event)) == ["nothing: it is of no commit's state"]
        assert told.server.asked == []


def test_gitlab_is_told_the_branch(gitlab):
    gitlab.send(stage("running", branch="feature/tides"))
    assert {one["ref"] for one in gitlab.server.statuses} == {"feature/tides"}


def test_an_address_that_is_too_long_for_gitlab_is_left_out(gitlab):
    gitlab.send(stage("running", url="http://localhost/#/" + "x" * 300))
    assert {one["target_url"] for one in gitlab.server.statuses} == {None}


def test_a_trial_tries_the_token_and_writes_nothing(told):
    (said,) = told.send(example_of(Event.TRIAL))
    assert said.endswith("knows example/almanac, and the token may write statuses there")
    assert told.server.statuses == []
    assert told.sender.check() == said


SETTINGS = {
    "kind": "commit-status",
    "service": "gitea",
    "url": "https://git.example.org/api/v1/",
    "repository": "example/almanac",
    "projects": ["almanac"],
    "token": {"env": "TOKEN"},
}


def test_what_is_sent_by_itself():
    made = CommitStatusNotifier.model_validate(SETTINGS)
    assert made.api == "https://git.example.org/api/v1"
    assert Event.STAGE_CHANGED in made.wanted_events
    assert Event.DEPLOYED not in made.wanted_events
    github = CommitStatusNotifier.model_validate(SETTINGS | {"service": "github", "url": ""})
    assert github.api == "https://api.github.com"
    nested = {"service": "gitlab", "repository": "group/sub/almanac"}
    assert CommitStatusNotifier.model_validate(SETTINGS | nested).repository == "group/sub/almanac"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"url": ""}, "url: write where gitea is"),
        ({"url": "http://git.example.org/api/v1"}, "is not https://"),
        ({"url": "https://ann:word@git.example.org/api/v1"}, "holds a user or a password"),
        ({"url": "https://git.example.org/api/v1?token=word"}, "is no address of an API"),
        ({"url": "https://git.example.org:99999/"}, "is no address"),
        ({"repository": "almanac"}, '"almanac" is none'),
        ({"repository": "group/sub/almanac"}, "is none"),
        ({"repository": "../almanac"}, "is none"),
        ({"repository": "example/.."}, "is none"),
        ({"repository": "example/almanac?x=y"}, "is none"),
        ({"projects": []}, "projects: name the project"),
        ({"digest": "day"}, "cannot be a digest"),
        ({"events": ["deployed"]}, '"deployed" has no status'),
        ({"context": "line\nend"}, "pattern"),
        ({"service": "bitbucket"}, "github"),
    ],
    ids=range(15),
)
def test_settings_that_cannot_work_are_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        CommitStatusNotifier.model_validate(SETTINGS | keys)
