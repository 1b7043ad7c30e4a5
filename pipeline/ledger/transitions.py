"""State transitions of the ledger's rows; the only place that writes states.

An illegal transition raises; the transaction is rolled back, and the caller records the attempt in
another transaction with `note_illegal`.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import Session, object_session

from slipway.ledger.audit.chain import note
from slipway.ledger.audit.recording import MACHINE, Trail, actor_of
from slipway.ledger.tables.stated import write
from slipway.model.notices.delivery import DeliveryState
from slipway.model.states import (
    DeploymentState,
    GateState,
    IllegalTransition,
    PublicationState,
    RunState,
    StageState,
    State,
    is_legal,
)

__all__ = ["HasState", "IllegalRow", "note_illegal", "transition"]

# A TypeVar with constraints: the row and its new state must have the same state type.
S = TypeVar("S", RunState, StageState, GateState, DeploymentState, PublicationState, DeliveryState)
S_co = TypeVar("S_co", covariant=True)


class HasState(Protocol[S_co]):
    """A row that has a state."""

    @property
    def state(self) -> S_co:
        """The current state."""

    def entered(self, now: float) -> None:
        """Record the time at which the row entered its state."""


class IllegalRow(IllegalTransition):
    """An illegal transition of a ledger row, with the facts for the audit trail."""

    def __init__(self, row: Any, old: State, new: State, why: str) -> None:
        trail: Trail = type(row).__trail__
        self.entity, self.project = trail.entity, trail.project(row)
        self.entity_id = ",".join(map(str, inspect(row).identity or ()))
        session = object_session(row)
        self.actor = MACHINE if session is None else actor_of(session)
        super().__init__(old, new, f"{self.entity} ({trail.summary(row)})", why)


def transition(row: HasState[S], to: S, why: str, now: float) -> None:
    """Change the state of a row.

    Args:
        row: A run, an attempt, a gate, a deployment, a publication or a delivery.
        to: Its next state.
        why: The reason, in a few words; a refused transition is recorded with it.
        now: Seconds since 1970.

    Raises:
        IllegalRow: The transition is not allowed.
    """
    if not is_legal(row.state, to):
        raise IllegalRow(row, row.state, to, why)
    write(row, to)
    row.entered(now)


def note_illegal(session: Session, error: IllegalRow) -> None:
    """Record an illegal transition in the audit trail."""
    session.info["actor"] = error.actor
    note(
        session,
        "illegal",
        error.entity,
        error.entity_id,
        project=error.project,
        summary=str(error),
        facts={"from": error.old, "to": error.new, "why": error.why},
    )
