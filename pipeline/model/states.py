"""States of the ledger's rows, and the legal transitions between them.

    StageState.GATE -> QUEUED -> RUNNING -> PASSED | FAILED | CANCELLED

Only the ledger's `transition` (`slipway.ledger.transitions`) changes the state of a row; it refuses
transitions that `LEGAL` does not list. The database, JSON and pages hold the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from slipway.model.errors import SlipwayError
from slipway.model.notices.delivery import DeliveryState

__all__ = [
    "CLOSED",
    "ENDED_RUN",
    "FIRST",
    "LEGAL",
    "OPEN_RUN",
    "OPEN_STAGE",
    "REFUSED",
    "STANDING",
    "TOLD_OF_FILES",
    "UNDECIDED",
    "Decision",
    "DeploymentState",
    "EnvironmentState",
    "FileState",
    "GateState",
    "IllegalTransition",
    "PublicationState",
    "RunState",
    "ShownState",
    "StageState",
    "State",
    "begin",
    "check",
    "is_legal",
]


class RunState(StrEnum):
    """The state of a run, derived from its stages."""

    RUNNING = "running"
    """A stage is active, or may start."""
    WAITING = "waiting"
    """Only gates are left: the run waits for people."""
    PASSED = "passed"
    """All required stages have passed."""
    FAILED = "failed"
    """A stage has failed, and nothing more can start."""
    CANCELLED = "cancelled"
    """The run was cancelled or superseded, or a gate was rejected or has expired."""


class StageState(StrEnum):
    """State of one attempt at one cell of a stage. End states are final."""

    GATE = "gate"
    """Waits for a person to open its gate."""
    QUEUED = "queued"
    """Dispatched to Buildbot; waits for a worker."""
    RUNNING = "running"
    """Taken by a worker."""
    PASSED = "passed"
    """The script has ended with 0, and its artefacts are stored."""
    FAILED = "failed"
    """The script has ended with another exit code, or never began."""
    CANCELLED = "cancelled"
    """Cancelled. Without an end time, its worker is still being stopped."""
    SKIPPED = "skipped"
    """Its files have not changed: an attempt of an earlier run is used instead."""
    UNCHANGED = "unchanged"
    """Nothing to release: an earlier run has released the same files."""
    REJECTED = "rejected"
    """A person has rejected its gate."""
    EXPIRED = "expired"
    """Nobody opened its gate in time."""


class GateState(StrEnum):
    """State of a gate."""

    OPEN = "open"
    """Without a request, or the request was voided."""
    ASKED = "asked"
    """Requested; approvals are missing."""
    APPROVED = "approved"
    """Approved; waits for its needs, its time window, or the end of a freeze."""
    OPENED = "opened"
    """Its stage was queued."""
    REJECTED = "rejected"
    """Rejected by a person."""
    EXPIRED = "expired"
    """Nobody opened it in time."""
    CANCELLED = "cancelled"
    """Its run was cancelled, or a stage it waits for is run again."""


class DeploymentState(StrEnum):
    """State of a deployment."""

    RUNNING = "running"
    """In progress."""
    DEPLOYED = "deployed"
    """Succeeded; the environment runs the release until the next deployment."""
    ROLLED_BACK = "rolled-back"
    """Failed, and the previous release was restored."""
    FAILED = "failed"
    """Failed; the environment needs attention."""
    CANCELLED = "cancelled"
    """Stopped in the middle."""


class ShownState(StrEnum):
    """Displayed state of a stage of a run: that of its cells, or one of two for never tried."""

    WAITING = "waiting"
    """Never tried, but may still be."""
    NOT_RUN = "not-run"
    """Never tried, and the run has ended."""
    GATE = StageState.GATE.value
    QUEUED = StageState.QUEUED.value
    RUNNING = StageState.RUNNING.value
    PASSED = StageState.PASSED.value
    FAILED = StageState.FAILED.value
    CANCELLED = StageState.CANCELLED.value
    SKIPPED = StageState.SKIPPED.value
    UNCHANGED = StageState.UNCHANGED.value
    REJECTED = StageState.REJECTED.value
    EXPIRED = StageState.EXPIRED.value


class EnvironmentState(StrEnum):
    """State of an environment, derived from its deployments."""

    EMPTY = "empty"
    """Nothing was ever deployed."""
    IDLE = "idle"
    """Runs a release; no deployment is in progress."""
    RUNNING = "running"
    """A deployment is in progress."""
    FAILED = "failed"
    """The newest deployment has failed."""


class FileState(StrEnum):
    """State of one file of a release at one target."""

    ABSENT = "absent"
    """Not there."""
    STAGED = "staged"
    """There, unseen by readers, not yet read back."""
    VERIFIED = "verified"
    """There, unseen by readers, and read back with the right hash."""
    PUBLIC = "public"
    """Readers see it."""
    REMOVED = "removed"
    """It was public, and went with its release, as the target's `keep` says."""


class PublicationState(StrEnum):
    """State of a release at a target."""

    RUNNING = "running"
    """On its way."""
    PUBLIC = "public"
    """Readers see all of it."""
    FAILED = "failed"
    """Not there as a whole; what is there stays for the next try."""
    CANCELLED = "cancelled"
    """Stopped in the middle."""
    REMOVED = "removed"
    """It was there, and the target's `keep` has let it go."""


class Decision(StrEnum):
    """A person's decision on a gate's request."""

    APPROVE = "approve"
    REJECT = "reject"


State = RunState | StageState | GateState | DeploymentState | PublicationState | DeliveryState

OPEN_RUN = (RunState.RUNNING, RunState.WAITING)
ENDED_RUN = (RunState.PASSED, RunState.FAILED, RunState.CANCELLED)
#: States of an active stage, which changes without a person.
OPEN_STAGE = (StageState.QUEUED, StageState.RUNNING)
#: End states without a result: rejected, expired or cancelled.
CLOSED = (StageState.REJECTED, StageState.EXPIRED, StageState.CANCELLED)
#: States of an undecided gate.
UNDECIDED = (GateState.OPEN, GateState.ASKED, GateState.APPROVED)
#: End states of a gate that was not opened.
REFUSED = (GateState.REJECTED, GateState.EXPIRED, GateState.CANCELLED)
#: What a script tells of a file on its way, each state after those before it.
TOLD_OF_FILES = (FileState.ABSENT, FileState.STAGED, FileState.VERIFIED, FileState.PUBLIC)
#: The environment runs the release of its newest deployment in one of these states.
STANDING = (DeploymentState.DEPLOYED,)

#: The allowed initial states of each kind of row.
FIRST: Mapping[type[State], tuple[State, ...]] = {
    RunState: (RunState.RUNNING,),
    StageState: (StageState.QUEUED, StageState.GATE, StageState.SKIPPED),
    GateState: (GateState.OPEN,),
    DeploymentState: (DeploymentState.RUNNING,),
    PublicationState: (PublicationState.RUNNING,),
    # Muted or dead at once: the person wants it not, or it has too many recipients.
    DeliveryState: (DeliveryState.WAITING, DeliveryState.MUTED, DeliveryState.DEAD),
}

_RUN: Mapping[State, tuple[State, ...]] = {
    RunState.RUNNING: (RunState.WAITING, *ENDED_RUN),
    RunState.WAITING: (RunState.RUNNING, *ENDED_RUN),
    # A person reruns a stage of it, or opens a remaining gate.
    RunState.PASSED: (RunState.RUNNING,),
    RunState.FAILED: (RunState.RUNNING,),
    RunState.CANCELLED: (RunState.RUNNING,),
}
_STAGE: Mapping[State, tuple[State, ...]] = {
    StageState.GATE: (StageState.QUEUED, *CLOSED),
    StageState.QUEUED: (StageState.RUNNING, StageState.FAILED, StageState.CANCELLED),
    StageState.RUNNING: (
        # Another worker retries the attempt of a lost worker.
        StageState.RUNNING,
        *(StageState.PASSED, StageState.UNCHANGED, StageState.FAILED, StageState.CANCELLED),
    ),
}
_GATE: Mapping[State, tuple[State, ...]] = {
    GateState.OPEN: (GateState.ASKED, *REFUSED),
    GateState.ASKED: (
        # The request is replaced by another one.
        GateState.ASKED,
        GateState.APPROVED,
        # The given secrets are lost.
        GateState.OPEN,
        *REFUSED,
    ),
    GateState.APPROVED: (GateState.OPENED, GateState.OPEN, *REFUSED),
}
_DEPLOYMENT: Mapping[State, tuple[State, ...]] = {
    # To itself, too: another worker retries the attempt of a lost worker.
    DeploymentState.RUNNING: tuple(DeploymentState),
}
_PUBLICATION: Mapping[State, tuple[State, ...]] = {
    PublicationState.RUNNING: (
        # Another worker retries the attempt of a lost worker.
        PublicationState.RUNNING,
        *(PublicationState.PUBLIC, PublicationState.FAILED, PublicationState.CANCELLED),
    ),
    # The stage is run again: what is there is read back, and what is missing is brought. A release
    # that failed or was stopped may be public all the same, and be removed later.
    PublicationState.PUBLIC: (PublicationState.RUNNING, PublicationState.REMOVED),
    PublicationState.FAILED: (PublicationState.RUNNING, PublicationState.REMOVED),
    PublicationState.CANCELLED: (PublicationState.RUNNING, PublicationState.REMOVED),
    PublicationState.REMOVED: (PublicationState.RUNNING,),
}

_TRIED = (DeliveryState.FAILED, DeliveryState.SENT, DeliveryState.DEAD)
_TAKEN_OUT = (DeliveryState.GATHERED, DeliveryState.MUTED)
_DELIVERY: Mapping[State, tuple[State, ...]] = {
    # To itself, too: a person has it sent now.
    DeliveryState.WAITING: (DeliveryState.WAITING, *_TRIED, *_TAKEN_OUT),
    DeliveryState.FAILED: (DeliveryState.WAITING, *_TRIED, *_TAKEN_OUT),
    # A person resends or discards it.
    DeliveryState.DEAD: (DeliveryState.WAITING, DeliveryState.MUTED),
}

#: The legal transitions of each kind of row; states without an entry are final. By kind, as members
#: of different enums are equal if their texts are.
LEGAL: Mapping[type[State], Mapping[State, tuple[State, ...]]] = {
    RunState: _RUN,
    StageState: _STAGE,
    GateState: _GATE,
    DeploymentState: _DEPLOYMENT,
    PublicationState: _PUBLICATION,
    DeliveryState: _DELIVERY,
}


class IllegalTransition(SlipwayError):
    """Code tried a transition that `LEGAL` does not allow; a defect, not wrong input."""

    def __init__(self, old: State, new: State, what: str, why: str) -> None:
        """Build the message.

        Args:
            old: The current state.
            new: The refused state.
            what: The title of the row, such as "run 7 of almanac".
            why: The reason for the transition.
        """
        super().__init__(
            f"{what} is {old} and cannot become {new} ({why}): "
            "nothing of this was written. It is a defect of Slipway: report it"
        )
        self.old, self.new, self.what, self.why = old, new, what, why


def begin(state: State, what: str, why: str) -> None:
    """Check that a state is an allowed initial state.

    Raises:
        IllegalTransition: The state is not allowed for a new row.
    """
    first = FIRST[type(state)]
    if state not in first:
        raise IllegalTransition(first[0], state, what, why)


def is_legal(old: State, new: State) -> bool:
    """Return whether a transition is legal."""
    return type(old) is type(new) and new in LEGAL[type(old)].get(old, ())


def check(old: State, new: State, what: str, why: str) -> None:
    """Check that a transition is legal.

    Raises:
        IllegalTransition: The transition is not legal.
    """
    if not is_legal(old, new):
        raise IllegalTransition(old, new, what, why)
