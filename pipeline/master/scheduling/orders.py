"""Orders: what the ledger hands on to Buildbot, and how each of its requests is known again."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult


@dataclass(frozen=True)
class Ticket:
    """A queued stage on its way to Buildbot."""

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
    """What the ledger wants Buildbot to do."""

    run: int = 0
    """The number of the run they are about."""
    tickets: list[Ticket] = field(default_factory=list)
    cancels: dict[int, str] = field(default_factory=dict)
    """Why, by Buildbot's request."""


def ticket_of(run: Run, result: StageResult, reason: str) -> Ticket:
    """Return a queued attempt's ticket."""
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
    """Return what marks a stage's buildset in Buildbot's tables."""
    return f"slipway-stage-{stage_id}"


def bind(session: Session, stage_id: int, set_id: int, request_id: int) -> None:
    """Write down which of Buildbot's requests a stage is."""
    result = session.get_one(StageResult, stage_id)
    result.buildset_id, result.request_id = set_id, request_id
