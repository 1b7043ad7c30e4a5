"""Find the open work in the ledger when a master starts."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import publications
from slipway.ledger.tables.runs import Run, StageResult
from slipway.master.scheduling.dispatch import mark
from slipway.model.states import OPEN_STAGE, RunState, StageState

__all__ = ["end_stopping", "open_runs", "open_stages", "request_of"]


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
        publications.stop(session, result, now)


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


async def request_of(master: Any, stage_id: int) -> int | None:
    """Return the build request of a stage if the master died before recording it."""
    found = await master.db.pool.do(_marked, master.db.model, mark(stage_id))
    return None if found is None else int(found)


def _marked(connection: sa.Connection, model: Any, wanted: str) -> int | None:
    """Return the newest build request whose buildset has a mark."""
    requests, sets = model.buildrequests, model.buildsets
    query = (
        sa.select(requests.c.id)
        .select_from(requests.join(sets, requests.c.buildsetid == sets.c.id))
        .where(sets.c.external_idstring == wanted)
        .order_by(requests.c.id.desc())
        .limit(1)
    )
    found: int | None = connection.scalar(query)
    return found
