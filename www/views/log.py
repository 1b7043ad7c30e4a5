"""Show a part of a stage's log."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import StageResult
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.runs import Log, LogQuery, StageQuery
from slipway.www.views.lookup import find_attempts, find_run, narrow

__all__ = ["show_log"]

_MOST = 5000
#: First letter of a log's line: its channel (output, errors, headers).
_CHANNELS = "oeh"


async def show_log(call: Call) -> Log:
    """Answer GET runs/PROJECT/NUMBER/stages/STAGE/log."""
    path = call.path
    build = await call.read(_build, call.outline(), path["number"], path["stage"], call.query)
    steps = await call.master.db.steps.getSteps(build) if build is not None else []
    for step in steps:
        log = await call.master.db.logs.getLogBySlug(step.id, "stdio")
        if log is not None:
            first, last = _span(call.query, log.num_lines)
            text = ""
            if first <= last:
                text = await call.master.db.logs.getLogLines(log.id, first, last)
            return Log(text=_plain(text), first=first, total=log.num_lines, complete=log.complete)
    return Log(text="", first=0, total=0, complete=build is not None and bool(steps))


def _span(query: LogQuery, total: int) -> tuple[int, int]:
    """Return the numbers of the first and the last wanted line, from 0."""
    lines = min(query.lines, _MOST)
    first = max(0, total - lines) if query.first is None else min(query.first, total)
    return first, min(first + lines, total) - 1


def _build(
    session: Session, outline: Outline, number: str, stage: str, query: StageQuery
) -> int | None:
    run = find_run(session, outline.name, number)
    rows: list[StageResult] = narrow(find_attempts(session, run, outline, stage), query)
    return rows[0].build_id if rows else None


def _plain(text: str) -> str:
    """Remove the channel letters."""
    lines = text.split("\n")
    return "\n".join(line[1:] if line[:1] in _CHANNELS else line for line in lines)
