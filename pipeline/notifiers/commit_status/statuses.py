"""Statuses of a notice: that of its stage, and that of its run, for any service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.states import OPEN_STAGE, StageState
from slipway.notifiers.commit_status.notifier import RUN_EVENTS

__all__ = ["Light", "Status", "statuses_of"]


class Light(StrEnum):
    """The state of a status, of which each service knows some."""

    PENDING = "pending"
    RUNNING = "running"
    GOOD = "good"
    BAD = "bad"
    """It failed: by the commit."""
    STOPPED = "stopped"
    """It ended without a result: by a person, or by the time."""


@dataclass(frozen=True)
class Status:
    """One status of one commit."""

    context: str
    light: Light
    text: str
    """A line for people, as long as it is."""
    url: str
    revision: str
    branch: str
    at: float
    """When that happened of which it tells."""


_STAGES: dict[StageState, tuple[Light, str]] = {
    StageState.GATE: (Light.PENDING, "waits for somebody to open it"),
    StageState.QUEUED: (Light.PENDING, "waits for a worker"),
    StageState.RUNNING: (Light.RUNNING, "is running"),
    StageState.PASSED: (Light.GOOD, "passed"),
    StageState.FAILED: (Light.BAD, "failed"),
    StageState.CANCELLED: (Light.STOPPED, "was cancelled"),
    StageState.SKIPPED: (Light.GOOD, "skipped: its files have not changed"),
    StageState.UNCHANGED: (Light.GOOD, "nothing to release"),
    StageState.REJECTED: (Light.BAD, "was rejected"),
    StageState.EXPIRED: (Light.STOPPED, "nobody opened it in time"),
}
_RUNS: dict[Event, Light] = {
    Event.RUN_PASSED: Light.GOOD,
    Event.RUN_FIXED: Light.GOOD,
    Event.RUN_FAILED: Light.BAD,
    Event.RUN_STILL_FAILING: Light.BAD,
    Event.RUN_CANCELLED: Light.STOPPED,
}


def statuses_of(notice: Notice, prefix: str) -> Iterator[Status]:
    """Yield the statuses that a notice changes; none if it is of no commit.

    Args:
        notice: The notice.
        prefix: The context of the run.
    """
    if not notice.revision:
        return
    if notice.event is Event.STAGE_CHANGED and notice.changed is not None:
        yield from _of_stage(notice, prefix)
    elif notice.event in RUN_EVENTS:
        text = f"{notice.title}: {notice.text}" if notice.text else notice.title
        yield _made(notice, prefix, _RUNS[notice.event], text, of_run=True)


def _of_stage(notice: Notice, prefix: str) -> Iterator[Status]:
    changed = notice.changed
    if changed is None:
        return
    light, text = _STAGES[changed.state]
    cell = f" [{changed.cell}]" if changed.cell else ""
    more = f": {changed.summary}" if changed.summary and light in {Light.GOOD, Light.BAD} else ""
    yield _made(notice, f"{prefix}/{changed.name}{cell}", light, text + more)
    # Nothing else tells that a run has begun, or goes on after its end. A gate does not: it may be
    # left when all that is required has passed.
    if changed.state in OPEN_STAGE:
        text = f"{notice.project} {notice.version} is running"
        yield _made(notice, prefix, Light.RUNNING, text, of_run=True)


def _made(notice: Notice, context: str, light: Light, text: str, *, of_run: bool = False) -> Status:
    # The run's page itself is before the question mark.
    url = notice.url.partition("?")[0] if of_run else notice.url
    return Status(context, light, text, url, notice.revision, notice.branch, notice.at)
