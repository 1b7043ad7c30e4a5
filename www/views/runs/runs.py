"""List runs, newest first, each with its chips."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from slipway.ledger.records.runs import run_record
from slipway.ledger.tables import runs as tables
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import StageResult
from slipway.model.records.gate import GateMark
from slipway.model.states import UNDECIDED
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.base import Listing
from slipway.www.shapes.runs import RunRow, RunsQuery
from slipway.www.views.runs.durations import expected
from slipway.www.views.runs.queue_reasons import why_queued
from slipway.www.views.runs.stage_chips import chips

__all__ = ["list_runs", "marks"]

_COLUMNS = (
    StageResult.run_id,
    StageResult.id,
    StageResult.name,
    StageResult.cell,
    StageResult.uses,
    StageResult.attempt,
    StageResult.state,
    StageResult.stale,
    StageResult.rollback,
    StageResult.exit_code,
    StageResult.summary,
    StageResult.facts,
    StageResult.started_at,
    StageResult.finished_at,
)


async def list_runs(call: Call) -> Listing[RunRow]:
    """Answer GET runs."""
    if call.query.project is not None:
        call.outline(call.query.project)
    return await call.read(_list, call.query, call.site)


def _list(session: Session, query: RunsQuery, site: dict[str, Outline]) -> Listing[RunRow]:
    found = list(session.scalars(_filtered(query).limit(query.limit + 1)))
    runs, more = found[: query.limit], len(found) > query.limit
    stages = defaultdict(list)
    ids = [run.id for run in runs]
    wanted = select(*_COLUMNS).where(StageResult.run_id.in_(ids)).order_by(StageResult.id)
    for row in session.execute(wanted):
        stages[row.run_id].append(row)
    gates = marks(session, ids)
    times = expected(session, {run.project for run in runs})
    queued = why_queued(session, site)
    items = [
        RunRow.extend(
            run_record(run),
            stages=chips(run, site.get(run.project), stages[run.id], times, gates, queued),
        )
        for run in runs
    ]
    return Listing[RunRow](items=items, next=runs[-1].id if more else None)


def marks(session: Session, runs: list[int]) -> dict[int, GateMark]:
    """Return the undecided gates of runs, by the id of the attempt behind each gate."""
    query = select(Gate.stage_id, Gate.id, Gate.state).where(
        Gate.run_id.in_(runs), Gate.state.in_(UNDECIDED), Gate.stage_id.is_not(None)
    )
    return {row.stage_id: GateMark(id=row.id, state=row.state) for row in session.execute(query)}


def _filtered(query: RunsQuery) -> Select[Any]:
    run = tables.Run
    found = select(run).order_by(run.id.desc())
    if query.before is not None:
        found = found.where(run.id < query.before)
    if query.project is not None:
        found = found.where(run.project == query.project)
    if query.branch is not None:
        found = found.where(run.branch == query.branch)
    if query.state:
        found = found.where(run.state.in_(query.state))
    if query.person:
        known = or_(run.owner == query.person, run.author.icontains(query.person, autoescape=True))
        found = found.where(known)
    if query.text:
        inside = (run.subject, run.version, run.branch, run.reason)
        matches = [one.icontains(query.text, autoescape=True) for one in inside]
        begins = run.revision.startswith(query.text.lower(), autoescape=True)
        found = found.where(or_(*matches, begins))
    return found
