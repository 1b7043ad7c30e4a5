"""Orders for Buildbot, and marks to find their build requests again after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult


@dataclass(frozen=True)
class Ticket:
    """A queued stage to be dispatched to Buildbot."""

    stage_id: int
    name: str
    cell: str
    run_number: int
    version: str
    branch: str
    revision: str
    owner: str
    reason: str


@dataclass
class Orders:
    """The requests that Buildbot must create and cancel after a transaction."""

    run: int = 0
    """The number of the run they belong to."""
    tickets: list[Ticket] = field(default_factory=list)
    cancels: dict[int, str] = field(default_factory=dict)
    """The reasons, by build request id."""


def ticket_of(run: Run, result: StageResult, reason: str) -> Ticket:
    """Return the ticket of a queued attempt."""
    return Ticket(
        stage_id=result.id,
        name=result.name,
        cell=result.cell,
        run_number=run.number,
        version=run.version,
        branch=run.branch,
        revision=run.revision,
        owner=result.owner or run.owner,
        reason=reason,
    )


def mark(stage_id: int) -> str:
    """Return the external id that marks a stage's buildset in Buildbot's tables."""
    return f"slipway-stage-{stage_id}"


def bind(session: Session, stage_id: int, set_id: int, request_id: int) -> None:
    """Record the build request of a stage."""
    result = session.get_one(StageResult, stage_id)
    result.buildset_id, result.request_id = set_id, request_id
