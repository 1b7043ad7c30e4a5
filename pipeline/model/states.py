"""The states of runs, attempts, gates and deployments, and the legal transitions between them.

    StageState.GATE -> QUEUED -> RUNNING -> PASSED | FAILED | CANCELLED

The ledger's `transition` (`slipway.ledger.transitions`) is what changes the state of a row; it
refuses whatever `LEGAL` does not list. The values are what the database, JSON and pages hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from slipway.model.errors import SlipwayError


class RunState(StrEnum):
    """The state of a run, derived from its stages."""

    RUNNING = "running"
    """A stage is at work, or may start by itself."""
    WAITING = "waiting"
    """Only gates are left: it waits for people."""
    PASSED = "passed"
    """All that had to pass has passed."""
    FAILED = "failed"
    """A stage has failed, and nothing can go on by itself."""
    CANCELLED = "cancelled"
    """It was cancelled or superseded, or a gate was rejected or has expired."""


class StageState(StrEnum):
    """The state of one attempt at one cell of a stage. What has ended stays as it ended."""

    GATE = "gate"
    """It waits for a person to open its gate."""
    QUEUED = "queued"
    """It is with Buildbot, and waits for a worker."""
    RUNNING = "running"
    """A worker has taken it."""
    PASSED = "passed"
    """Its script has ended with 0, and its artefacts are kept."""
    FAILED = "failed"
    """Its script has ended with another code, or never began."""
    CANCELLED = "cancelled"
    """It was called off. Without a time of its end its worker is still being stopped."""
    SKIPPED = "skipped"
    """Nothing it looks at has changed: an attempt of an earlier run stands for it."""
    REJECTED = "rejected"
    """A person has said no at its gate."""
    EXPIRED = "expired"
    """Nobody opened its gate in time."""


class GateState(StrEnum):
    """The state of a gate."""

    OPEN = "open"
    """Nobody has asked anything of it yet, or what was asked is void."""
    ASKED = "asked"
    """Somebody has asked, and approvals are missing."""
    APPROVED = "approved"
    """It waits for the needs of its stage, for its window, or for the end of a freeze."""
    OPENED = "opened"
    """Its stage was let go."""
    REJECTED = "rejected"
    """A person has said no."""
    EXPIRED = "expired"
    """Nobody opened it in time."""
    CANCELLED = "cancelled"
    """Its run was cancelled, or what it waited for is run again."""


class DeploymentState(StrEnum):
    """The state of a deployment."""

    RUNNING = "running"
    """The release is on its way."""
    DEPLOYED = "deployed"
    """The environment runs the release, or ran it until the next deployment."""
    ROLLED_BACK = "rolled-back"
    """It failed, and the previous release was put back."""
    FAILED = "failed"
    """It failed, and what runs there now has to be looked at."""
    CANCELLED = "cancelled"
    """It was stopped in the middle."""


class ShownState(StrEnum):
    """The state of a stage of a run as people see it: that of its cells, or that it has none."""

    WAITING = "waiting"
    """It was never tried and still may be."""
    NOT_RUN = "not-run"
    """It was never tried, and its run has ended."""
    GATE = StageState.GATE.value
    QUEUED = StageState.QUEUED.value
    RUNNING = StageState.RUNNING.value
    PASSED = StageState.PASSED.value
    FAILED = StageState.FAILED.value
    CANCELLED = StageState.CANCELLED.value
    SKIPPED = StageState.SKIPPED.value
    REJECTED = StageState.REJECTED.value
    EXPIRED = StageState.EXPIRED.value


class EnvironmentState(StrEnum):
    """The state of an environment, derived from its deployments."""

    EMPTY = "empty"
    """Nothing was ever deployed there."""
    IDLE = "idle"
    """It runs a release, and nothing is on its way."""
    RUNNING = "running"
    """A deployment is on its way."""
    FAILED = "failed"
    """The newest deployment has failed."""


class Decision(StrEnum):
    """What a person has said to a gate."""

    APPROVE = "approve"
    REJECT = "reject"


State = RunState | StageState | GateState | DeploymentState

OPEN_RUN = (RunState.RUNNING, RunState.WAITING)
ENDED_RUN = (RunState.PASSED, RunState.FAILED, RunState.CANCELLED)
#: A stage in one of these goes on by itself.
OPEN_STAGE = (StageState.QUEUED, StageState.RUNNING)
#: A person has said no, none came in time, or it was called off.
CLOSED = (StageState.REJECTED, StageState.EXPIRED, StageState.CANCELLED)
#: A gate in one of these is not decided yet.
UNDECIDED = (GateState.OPEN, GateState.ASKED, GateState.APPROVED)
#: A gate in one of these lets nothing through any more.
REFUSED = (GateState.REJECTED, GateState.EXPIRED, GateState.CANCELLED)
#: What an environment runs is what the newest deployment in one of these left there.
STANDING = (DeploymentState.DEPLOYED,)

#: The states in which each kind of row may begin.
FIRST: Mapping[type[State], tuple[State, ...]] = {
    RunState: (RunState.RUNNING,),
    StageState: (StageState.QUEUED, StageState.GATE, StageState.SKIPPED),
    GateState: (GateState.OPEN,),
    DeploymentState: (DeploymentState.RUNNING,),
}

_RUN: Mapping[State, tuple[State, ...]] = {
    RunState.RUNNING: (RunState.WAITING, *ENDED_RUN),
    RunState.WAITING: (RunState.RUNNING, *ENDED_RUN),
    # A person runs a stage of it again, or opens a gate that was left.
    RunState.PASSED: (RunState.RUNNING,),
    RunState.FAILED: (RunState.RUNNING,),
    RunState.CANCELLED: (RunState.RUNNING,),
}
_STAGE: Mapping[State, tuple[State, ...]] = {
    StageState.GATE: (StageState.QUEUED, *CLOSED),
    StageState.QUEUED: (StageState.RUNNING, StageState.FAILED, StageState.CANCELLED),
    StageState.RUNNING: (
        # Its worker was lost, and another takes it up again.
        StageState.RUNNING,
        *(StageState.PASSED, StageState.FAILED, StageState.CANCELLED),
    ),
}
_GATE: Mapping[State, tuple[State, ...]] = {
    GateState.OPEN: (GateState.ASKED, *REFUSED),
    GateState.ASKED: (
        # It is asked anew with other answers.
        GateState.ASKED,
        GateState.APPROVED,
        # What was given for it is lost.
        GateState.OPEN,
        *REFUSED,
    ),
    GateState.APPROVED: (GateState.OPENED, GateState.OPEN, *REFUSED),
}
_DEPLOYMENT: Mapping[State, tuple[State, ...]] = {
    # The first is itself: its worker was lost, and another takes it up again.
    DeploymentState.RUNNING: tuple(DeploymentState),
}

#: From which state each kind of row may go to which; from those that are not there to none.
#: By kind, as members of different enums are equal where their texts are.
LEGAL: Mapping[type[State], Mapping[State, tuple[State, ...]]] = {
    RunState: _RUN,
    StageState: _STAGE,
    GateState: _GATE,
    DeploymentState: _DEPLOYMENT,
}


class IllegalTransition(SlipwayError):
    """Code tried to change a state as `LEGAL` does not allow. A defect, no one's wrong input."""

    def __init__(self, old: State, new: State, what: str, why: str) -> None:
        """Make one.

        Args:
            old: The state it is in.
            new: The state it was to get.
            what: Whose state, such as "run 7 of almanac".
            why: Why it was to get it.
        """
        super().__init__(
            f"{what} is {old} and cannot become {new} ({why}): "
            "nothing of this was written. It is a defect of Slipway: report it"
        )
        self.old, self.new, self.what, self.why = old, new, what, why


def begin(state: State, what: str, why: str) -> None:
    """See that something may begin in a state.

    Raises:
        IllegalTransition: It may not.
    """
    first = FIRST[type(state)]
    if state not in first:
        raise IllegalTransition(first[0], state, what, why)


def is_legal(old: State, new: State) -> bool:
    """Tell whether a row may go from one state to another."""
    return type(old) is type(new) and new in LEGAL[type(old)].get(old, ())


def check(old: State, new: State, what: str, why: str) -> None:
    """See that a transition is legal.

    Raises:
        IllegalTransition: It is not.
    """
    if not is_legal(old, new):
        raise IllegalTransition(old, new, what, why)
