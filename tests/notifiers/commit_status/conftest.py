"""A stand-in of each service, and what tells it."""

from __future__ import annotations

import pytest

from slipway.model.notices.details import StageDetail
from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Context, Recipient, SendingSite
from slipway.notifiers.commit_status.notifier import CommitStatusNotifier
from slipway.notifiers.commit_status.sender import CommitStatusSender
from tests.support.forges.github import REVISION
from tests.support.forges.statuses import (
    TOKENS,
    GiteaStatuses,
    GitHubStatuses,
    GitLabStatuses,
)

CONTEXT = Context(Recipient(), key="c0ffee" * 6)
MAKERS = {
    "github": GitHubStatuses,
    "gitlab": GitLabStatuses,
    "gitea": GiteaStatuses,
    "forgejo": GiteaStatuses,
}


def stage(state, at=100.0, *, name="tests", cell="", summary="", **more):
    """Return the notice that a stage is in a state."""
    changed = StageDetail(name=name, cell=cell, state=state, summary=summary)
    facts = {"changed": changed, "stage": name, "at": at, "revision": REVISION}
    facts["url"] = f"http://localhost:8010/#/pipelines/almanac/7?stage={name}"
    return example_of(Event.STAGE_CHANGED).model_copy(update=facts | more)


def ended(event=Event.RUN_PASSED, at=200.0, **more):
    """Return the notice that a run has ended."""
    return example_of(event).model_copy(update={"at": at, "revision": REVISION} | more)


class Told:
    """A service, and a sender for it."""

    def __init__(self, service, folder, **how):
        self.service = service
        self.server = MAKERS[service](folder / service, **how)
        self.token = TOKENS[service]
        self.sender = self.made(folder)

    def made(self, folder, **keys):
        settings = {
            "kind": "commit-status",
            "service": self.service,
            "url": f"{self.server.here}{self.server.api}",
            "repository": "example/almanac",
            "projects": ["almanac"],
            "token": {"env": "TOKEN"},
            "timeout": 5,
        }
        site = SendingSite(folder=folder, secret=lambda *_: self.token)
        return CommitStatusSender(CommitStatusNotifier.model_validate(settings | keys), site)

    def send(self, *notices):
        return [self.sender.send(one, CONTEXT) for one in notices]

    @property
    def posts(self):
        return self.server.count("POST")


@pytest.fixture(params=MAKERS)
def told(request, tmp_path):
    made = Told(request.param, tmp_path)
    with made.server.running():
        yield made
        made.sender.close()


@pytest.fixture
def github(tmp_path):
    made = Told("github", tmp_path)
    with made.server.running():
        yield made
        made.sender.close()


@pytest.fixture
def gitlab(tmp_path):
    made = Told("gitlab", tmp_path)
    with made.server.running():
        yield made
        made.sender.close()
