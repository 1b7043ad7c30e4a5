"""How long stages take: the median of the last times they passed."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.states import StageState

#: So many runs of each project are looked at.
_RUNS = 10
#: SQLite takes at most 500 parts in one statement.
_PROJECTS = 100

#: Seconds, by project, stage and cell.
Expected = Mapping[tuple[str, str, str], float]


def expected(session: Session, projects: Collection[str]) -> Expected:
    """Return how long each cell of each stage is expected to take, in seconds."""
    wanted = sorted(projects)[:_PROJECTS]
    if not wanted:
        return {}
    newest = [
        select(
            select(Run.id, Run.project)
            .where(Run.project == name)
            .order_by(Run.number.desc())
            .limit(_RUNS)
            .subquery()
        )
        for name in wanted
    ]
    recent = union_all(*newest).subquery()
    query = select(
        recent.c.project,
        StageResult.name,
        StageResult.cell,
        StageResult.state,
        StageResult.started_at,
        StageResult.finished_at,
    ).join(recent, StageResult.run_id == recent.c.id)
    seen: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    # The state is looked at here: SQLite would take the index on it, which finds nearly all rows.
    for project, name, cell, state, began, ended in session.execute(query):
        if state == StageState.PASSED and began is not None and ended is not None:
            seen[project, name, cell].append(max(0.0, ended - began))
    return {key: round(statistics.median(values), 3) for key, values in seen.items()}


def seconds(began: float | None, ended: float | None) -> float | None:
    """Return how long something took; None while it goes on, or where it never began."""
    if began is None or ended is None:
        return None
    return round(max(0.0, ended - began), 3)
