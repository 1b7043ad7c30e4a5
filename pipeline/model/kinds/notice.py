"""Notices about runs, gates and deployments, and the notifiers that send them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict

from slipway.model.base import Name
from slipway.model.kinds.registry import Kind, Kinds

__all__ = ["NOTIFIERS", "Event", "Notice", "Notifier"]


class Event(StrEnum):
    """What a notice is about."""

    RUN_PASSED = "run-passed"
    RUN_FAILED = "run-failed"
    RUN_CANCELLED = "run-cancelled"
    GATE_WAITS = "gate-waits"
    """A gate waits for a person."""
    APPROVAL_WAITS = "approval-waits"
    """Somebody has asked for a gate, and approvals are missing."""
    DEPLOYED = "deployed"
    DEPLOYMENT_FAILED = "deployment-failed"


class Notice(BaseModel):
    """One thing that has happened. Its texts may come from anybody who commits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """The same thing has the same id, such as "run-12-1767139200.5"."""
    event: Event
    project: str
    run: int
    """The run's number."""
    version: str
    branch: str
    subject: str = ""
    """The first line of the commit's message."""
    author: str = ""
    """The author of the commit."""
    stage: str = ""
    """The gate's stage, or the one that deployed."""
    environment: str = ""
    """The environment of the deployment."""
    person: str = ""
    """The person who requested it."""
    text: str = ""
    """Why it failed, in a sentence."""
    at: float
    """Time of the event, in seconds since 1970."""
    url: str
    """URL of its page."""


class Notifier(Kind):
    """A way to tell people, and what of."""

    kind: str
    """The kind of notifier."""
    events: tuple[Event, ...] = tuple(Event)
    """The events that are sent. Empty: all."""
    projects: tuple[Name, ...] = ()
    """The projects it tells of. None given: all."""

    def wants(self, notice: Notice) -> bool:
        """Return whether it wants a notice."""
        is_ours = not self.projects or notice.project in self.projects
        return is_ours and notice.event in self.events


#: The kinds of notifiers. A kind's `runner` is a function `send(settings, notice)`; it may block,
#: and is called again if it raises.
NOTIFIERS: Kinds[Notifier] = Kinds("slipway.notifiers", lambda: Notifier, "kind")

if TYPE_CHECKING:
    AnyNotifier = Notifier
else:
    AnyNotifier = Annotated[Notifier, NOTIFIERS]
