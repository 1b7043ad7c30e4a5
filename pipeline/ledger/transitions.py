"""The one place where the state of a run, an attempt, a gate or a deployment changes.

An illegal transition raises: the transaction is rolled back, and whoever runs it writes down with
`note_illegal`, in another one, what was tried.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm import Session, object_session

from slipway.ledger.audit.chain import note
from slipway.ledger.audit.recording import MACHINE, Trail, actor_of
from slipway.ledger.tables.stated import write
from slipway.model.states import (
    DeploymentState,
    GateState,
    IllegalTransition,
    RunState,
    StageState,
    State,
    is_legal,
)

# One of these and no other: a gate gets no state of a run.
S = TypeVar("S", RunState, StageState, GateState, DeploymentState)
S_co = TypeVar("S_co", covariant=True)


class HasState(Protocol[S_co]):
    """A row that has a state."""

    @property
    def state(self) -> S_co:
        """The state it is in."""

    def entered(self, now: float) -> None:
        """Write down when it came into its state."""


class IllegalRow(IllegalTransition):
    """An illegal transition of a row of the ledger, with what the audit trail keeps of it."""

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
        row: A run, an attempt, a gate or a deployment.
        to: Its next state.
        why: Why, in a few words; the audit trail keeps them where it is refused.
        now: Seconds since 1970.

    Raises:
        IllegalRow: No row may go from the one state to the other.
    """
    if not is_legal(row.state, to):
        raise IllegalRow(row, row.state, to, why)
    write(row, to)
    row.entered(now)


def note_illegal(session: Session, error: IllegalRow) -> None:
    """Write down in the audit trail that an illegal transition was tried."""
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
