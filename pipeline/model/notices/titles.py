"""Titles of notices: each event in one line, the same in all channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.model.notices.events import Event

__all__ = ["title_of"]

_TITLES: dict[Event, str] = {
    Event.RUN_PASSED: "{of} passed",
    Event.RUN_FAILED: "{of} failed{in_stage}",
    Event.RUN_FIXED: "{of} passed again",
    Event.RUN_STILL_FAILING: "{of} still fails{in_stage}",
    Event.RUN_CANCELLED: "{of} was cancelled",
    Event.STAGE_CHANGED: "{of}: {stage} is {state}",
    Event.GATE_WAITS: "{of}: {stage} waits for somebody to open it",
    Event.APPROVAL_WAITS: "{of}: {stage} waits for approval",
    Event.GATE_APPROVED: "{of}: {stage} was approved",
    Event.GATE_REJECTED: "{of}: {stage} was rejected{by}",
    Event.GATE_EXPIRED: "{of}: nobody opened {stage} in time",
    Event.DEPLOYED: "{of} was deployed to {environment}",
    Event.DEPLOYMENT_FAILED: "{of} was not deployed to {environment}",
    Event.ROLLED_BACK: "{environment} is back at {of}",
    Event.HEALTH_LOST: "{environment} is not healthy with {of}",
    Event.PUBLISHED: "{of} was published",
    Event.PUBLICATION_FAILED: "{of} was not published",
    Event.RELEASE_BLOCKED: "{of} was blocked{by}",
    Event.RELEASE_UNBLOCKED: "{of} is not blocked any more",
    Event.WORKER_MISSING: "worker {worker} is missing",
    Event.WORKER_BACK: "worker {worker} is back",
    Event.DISK_LOW: "the disk of the artefacts is nearly full",
    Event.QUEUE_LONG: "many stages wait for a worker",
    Event.TEST_FLAKY: "{of}: a test is newly flaky",
    Event.DIGEST: "several notices",
    Event.TRIAL: "a trial of this channel",
}


def title_of(event: Event, facts: Mapping[str, Any]) -> str:
    """Return the title of a notice.

    Args:
        event: The event.
        facts: The fields of the notice that are known.
    """
    branch = f" ({facts['branch']})" if facts.get("branch") else ""
    stage = facts.get("stage", "")
    words = {
        "of": f"{facts.get('project', '')} {facts.get('version', '')}{branch}".strip(),
        "stage": stage,
        "in_stage": f" in {stage}" if stage else "",
        "by": f" by {facts['person']}" if facts.get("person") else "",
        "environment": facts.get("environment", ""),
        "worker": facts.get("worker", ""),
        "state": facts.get("state", ""),
    }
    return _TITLES[event].format(**words)
