"""Events that notices tell of, and the facts of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ALL", "EVENTS", "Concern", "Event", "EventFacts", "Mood"]


class Event(StrEnum):
    """What a notice tells of."""

    RUN_PASSED = "run-passed"
    RUN_FAILED = "run-failed"
    """A run failed, and the one before it on this branch had not."""
    RUN_FIXED = "run-fixed"
    """A run passed, and the one before it on this branch had failed."""
    RUN_STILL_FAILING = "run-still-failing"
    """A run failed, as the one before it on this branch did."""
    RUN_CANCELLED = "run-cancelled"
    STAGE_CHANGED = "stage-changed"
    """A stage of a run is in another state; for statuses of commits."""
    GATE_WAITS = "gate-waits"
    """A gate waits for a person."""
    APPROVAL_WAITS = "approval-waits"
    """Somebody has asked for a gate, and approvals are missing."""
    GATE_APPROVED = "gate-approved"
    GATE_REJECTED = "gate-rejected"
    GATE_EXPIRED = "gate-expired"
    DEPLOYED = "deployed"
    DEPLOYMENT_FAILED = "deployment-failed"
    """A deployment failed; where it could be, the release before it was restored."""
    ROLLED_BACK = "rolled-back"
    """A person brought an older release back."""
    HEALTH_LOST = "health-lost"
    """An environment does not answer as it should."""
    PUBLISHED = "published"
    """A release is public at all of its targets."""
    PUBLICATION_FAILED = "publication-failed"
    RELEASE_BLOCKED = "release-blocked"
    RELEASE_UNBLOCKED = "release-unblocked"
    WORKER_MISSING = "worker-missing"
    WORKER_BACK = "worker-back"
    DISK_LOW = "disk-low"
    """The store's disk has less free space than it should."""
    QUEUE_LONG = "queue-long"
    """More stages wait for a worker than the bound."""
    TEST_FLAKY = "test-flaky"
    """A test failed first and passed when it was retried, for the first time on this branch."""
    DIGEST = "digest"
    """Several notices in one: what was above the bound, or waited for the end of a day or week."""
    TRIAL = "trial"
    """`slipway notify test` tries a channel."""


class Concern(StrEnum):
    """Why a notice concerns a person."""

    BLAMED = "blamed"
    """An author of a commit since the last good run of the branch."""
    ASKED = "asked"
    """Who started the run, or asked for the gate or the deployment."""
    MAY_APPROVE = "may-approve"
    """Who may open or approve the gate, and has not."""
    ADMIN = "admin"
    """Who looks after the site."""
    RULE = "rule"
    """A rule names the person or a role of theirs."""


class Mood(StrEnum):
    """What an event means to people: the colour of its mark."""

    GOOD = "good"
    BAD = "bad"
    WAITS = "waits"
    PLAIN = "plain"


@dataclass(frozen=True)
class EventFacts:
    """The facts of one kind of event."""

    what: str
    """The event in a few words, for lists of rules and the documentation."""
    mood: Mood
    concerns: tuple[Concern, ...] = ()
    """Whom it concerns. None: nobody is told, unless a rule says so."""
    is_of_site: bool = False
    """True: it concerns the site and no project."""
    is_chosen: bool = False
    """True: sent only where `events` names it."""


_RUN = (Concern.BLAMED, Concern.ASKED)
_SITE = (Concern.ADMIN,)
_ASKER = (Concern.ASKED,)

EVENTS: dict[Event, EventFacts] = {
    Event.RUN_PASSED: EventFacts("a run passed", Mood.GOOD, _ASKER),
    Event.RUN_FAILED: EventFacts("a run failed", Mood.BAD, _RUN),
    Event.RUN_FIXED: EventFacts("a run passed again", Mood.GOOD, _RUN),
    Event.RUN_STILL_FAILING: EventFacts("a run still fails", Mood.BAD, _RUN),
    Event.RUN_CANCELLED: EventFacts("a run was cancelled", Mood.PLAIN, _ASKER),
    Event.STAGE_CHANGED: EventFacts("a stage changed its state", Mood.PLAIN, is_chosen=True),
    Event.GATE_WAITS: EventFacts("a gate waits", Mood.WAITS, (Concern.MAY_APPROVE,)),
    Event.APPROVAL_WAITS: EventFacts("approvals are missing", Mood.WAITS, (Concern.MAY_APPROVE,)),
    Event.GATE_APPROVED: EventFacts("a gate was approved", Mood.GOOD, _ASKER),
    Event.GATE_REJECTED: EventFacts("a gate was rejected", Mood.BAD, _ASKER),
    Event.GATE_EXPIRED: EventFacts("a gate has expired", Mood.BAD, _ASKER),
    Event.DEPLOYED: EventFacts("a release was deployed", Mood.GOOD, _ASKER),
    Event.DEPLOYMENT_FAILED: EventFacts("a deployment failed", Mood.BAD, _ASKER),
    Event.ROLLED_BACK: EventFacts("an older release was brought back", Mood.PLAIN, _ASKER),
    Event.HEALTH_LOST: EventFacts(
        "an environment is not healthy", Mood.BAD, (Concern.ASKED, Concern.ADMIN)
    ),
    Event.PUBLISHED: EventFacts("a release was published", Mood.GOOD, _ASKER),
    Event.PUBLICATION_FAILED: EventFacts("a release was not published", Mood.BAD, _ASKER),
    Event.RELEASE_BLOCKED: EventFacts("a release was blocked", Mood.BAD),
    Event.RELEASE_UNBLOCKED: EventFacts("a release is not blocked any more", Mood.PLAIN),
    Event.WORKER_MISSING: EventFacts("a worker is missing", Mood.BAD, _SITE, is_of_site=True),
    Event.WORKER_BACK: EventFacts("a worker is back", Mood.GOOD, _SITE, is_of_site=True),
    Event.DISK_LOW: EventFacts("the disk is nearly full", Mood.BAD, _SITE, is_of_site=True),
    Event.QUEUE_LONG: EventFacts("many stages wait", Mood.BAD, _SITE, is_of_site=True),
    Event.TEST_FLAKY: EventFacts("a test is newly flaky", Mood.WAITS, (Concern.BLAMED,)),
    Event.DIGEST: EventFacts("several notices in one", Mood.PLAIN, is_of_site=True),
    Event.TRIAL: EventFacts("a channel is tried", Mood.PLAIN, is_of_site=True),
}
#: The events that happen by themselves and are sent where `events` names none.
ALL = tuple(
    one
    for one, facts in EVENTS.items()
    if not facts.is_chosen and one not in {Event.DIGEST, Event.TRIAL}
)
