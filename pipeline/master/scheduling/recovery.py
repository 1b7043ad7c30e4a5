"""What a master that starts finds open in the ledger."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import deployments
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.states import OPEN_STAGE, RunState, StageState


def end_stopping(session: Session, project: str) -> None:
    """Close what was being stopped when the master ended: nothing of it is left."""
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
    """Return the open stages of a project with their requests, where they have one."""
    query = (
        select(StageResult.id, StageResult.request_id)
        .join(Run)
        .where(Run.project == project, StageResult.state.in_(OPEN_STAGE))
        .order_by(StageResult.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def open_runs(session: Session, project: str) -> list[int]:
    """Return the runs of a project that can go on by themselves."""
    query = select(Run.id).where(Run.project == project, Run.state == RunState.RUNNING)
    return list(session.scalars(query))
