"""Estimate durations of stages: the median of the last passed attempts."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.states import StageState

__all__ = ["Expected", "expected"]

#: Maximum runs of each project that are read.
_RUNS = 10
#: SQLite's limit of terms in one compound SELECT.
_PROJECTS = 100

#: Seconds, by project, stage and cell.
Expected = Mapping[tuple[str, str, str], float]


def expected(session: Session, projects: Collection[str]) -> Expected:
    """Return the expected duration of each cell of each stage, in seconds."""
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
    # Filtered here: in SQL, SQLite would choose the index on the state, which matches nearly all
    # rows.
    for project, name, cell, state, began, ended in session.execute(query):
        if state == StageState.PASSED and began is not None and ended is not None:
            seen[project, name, cell].append(max(0.0, ended - began))
    return {key: round(statistics.median(values), 3) for key, values in seen.items()}
