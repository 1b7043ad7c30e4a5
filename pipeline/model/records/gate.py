"""Records of gates: their requests, approvals and freezes."""

from __future__ import annotations

from slipway.model.parameter import Value
from slipway.model.records.base import Record
from slipway.model.records.run import OfRun
from slipway.model.states import Decision, GateState, RunState

__all__ = ["Approval", "Frozen", "GateMark", "GateRecord"]


class Approval(Record):
    """One person's decision on a gate's request."""

    person: str
    decision: Decision
    comment: str
    at: float
    """Seconds since 1970."""


class GateMark(Record):
    """The gate in front of a stage."""

    id: int
    state: GateState


class GateRecord(GateMark, OfRun):
    """A stage that waits, or has waited, for a person."""

    stage: str
    asking: str
    """Names what is asked now; whoever approves shows it. Empty: nobody has asked."""
    ready: bool
    """False: it was asked for before its needs had passed."""
    rollback: bool
    """True: a rollback to an older release."""
    person: str
    """The requester."""
    comment: str
    values: dict[str, Value]
    """The values of its parameters, without secrets."""
    secret_names: list[str]
    """The names of the given secrets."""
    made_at: float
    asked_at: float | None
    expires_at: float | None
    ended_at: float | None
    """Time of the decision, in seconds since 1970 as the others."""
    approvals: list[Approval]
    run_state: RunState


class Frozen(Record):
    """The reason and author of a freeze: no gate of the project opens."""

    reason: str
    person: str
    at: float
    """Seconds since 1970."""
