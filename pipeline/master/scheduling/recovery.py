"""Find the open work in the ledger when a master starts."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import deployments
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.states import OPEN_STAGE, RunState, StageState


def end_stopping(session: Session, project: str) -> None:
    """Close the attempts that were being stopped when the master ended; nothing of them is left."""
    query = (
        select(StageResult)
        .join(Run)
        .where(
            Run.project == project,
            StageResult.state == StageState.CANCELLED,
            StageResult.finished_at.is_(None),
        )
    )
    now = time.time()
    for result in session.scalars(query):
        result.finished_at = now
        deployments.cancel(session, result, now)


def open_stages(session: Session, project: str) -> list[tuple[int, int | None]]:
    """Return the ids of a project's open attempts with their build requests, if any."""
    query = (
        select(StageResult.id, StageResult.request_id)
        .join(Run)
        .where(Run.project == project, StageResult.state.in_(OPEN_STAGE))
        .order_by(StageResult.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def open_runs(session: Session, project: str) -> list[int]:
    """Return the ids of the running runs of a project."""
    query = select(Run.id).where(Run.project == project, Run.state == RunState.RUNNING)
    return list(session.scalars(query))
