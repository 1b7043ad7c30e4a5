"""Look up the run that a path names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Run, StageResult
from slipway.www.api.graph_columns import Outline
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.runs import StageQuery

__all__ = ["check_cell", "find_attempts", "find_run", "narrow"]


def find_run(session: Session, project: str, number: str, *options: Any) -> Run:
    """Return a run of a project; "latest" is its newest.

    Raises:
        Refused: There is none.
    """
    query = select(Run).where(Run.project == project).options(*options)
    if number == "latest":
        query = query.order_by(Run.number.desc()).limit(1)
    else:
        query = query.where(Run.number == int(number))
    run = session.scalar(query)
    if run is None:
        problem = "has had no run yet" if number == "latest" else f"has no run {number}"
        raise not_found(f"{project} {problem}")
    return run


def find_attempts(session: Session, run: Run, outline: Outline, stage: str) -> list[StageResult]:
    """Return the attempts at a stage of a run, newest first; empty if it was never tried.

    Raises:
        Refused: There is no such stage.
    """
    wanted = (
        select(StageResult)
        .where(StageResult.run_id == run.id, StageResult.name == stage)
        .order_by(StageResult.id.desc())
    )
    rows = list(session.scalars(wanted))
    if not rows and stage not in outline.places:
        known = ", ".join(outline.places)
        raise not_found(f'{run.project} has no stage "{stage}"; it has {known}')
    return rows


def narrow(rows: list[StageResult], query: StageQuery) -> list[StageResult]:
    """Return the attempts that a query selects: of each cell the newest, or the named one.

    Raises:
        Refused: There is no such cell or attempt.
    """
    found: dict[str, StageResult] = {}
    for row in rows:
        if query.cell in {None, row.cell} and query.attempt in {None, row.attempt}:
            found.setdefault(row.cell, row)
    if rows and not found:
        check_cell(rows, query.cell)
        numbers = {row.attempt for row in rows if query.cell in {None, row.cell}}
        known = ", ".join(str(one) for one in sorted(numbers))
        problem = f"{rows[0].name} has no attempt {query.attempt} in this run; it has {known}"
        raise not_found(problem)
    return list(found.values())


def check_cell(rows: list[StageResult], cell: str | None) -> None:
    """Raise for a cell that a stage does not have; None, and a stage without attempts, pass.

    Raises:
        Refused: There is none of this name.
    """
    names = list(dict.fromkeys(row.cell for row in reversed(rows)))
    if cell is None or not rows or cell in names:
        return
    known = ", ".join(filter(None, names))
    has = f"it has {known}" if known else "it has no cells"
    raise not_found(f'{rows[0].name} has no cell "{cell}" in this run; {has}')
