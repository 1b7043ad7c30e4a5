"""The tests of one stage of one run."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

from buildbot.db.model import Model
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from slipway.www.call import Call
from slipway.www.outline import Outline
from slipway.www.shapes.runs import StageQuery
from slipway.www.shapes.tests import Case, Cases, Status
from slipway.www.views.finding import find_attempts, find_run, narrow

_MOST = 2000
_ORDER = {status: place for place, status in enumerate(get_args(Status))}

SETS = Model.test_result_sets
RESULTS = Model.test_results
NAMES = Model.test_names
PATHS = Model.test_code_paths
#: The categories of the sets that a stage's step writes.
ALL, TOLD, LONG = "pass_fail", "fail_only", "duration"


async def list_cases(call: Call) -> Cases:
    """Answer GET runs/PROJECT/NUMBER/stages/STAGE/tests."""
    path = call.path
    return await call.read(_list, call.outline(), path["number"], path["stage"], call.query)


def _list(session: Session, outline: Outline, number: str, stage: str, query: StageQuery) -> Cases:
    run = find_run(session, outline.name, number)
    rows = narrow(find_attempts(session, run, outline, stage), query)
    cells = {row.build_id: row.cell for row in rows if row.build_id is not None}
    found: dict[tuple[str, str], Case] = {}
    for row in session.execute(_statement(list(cells))):
        cell = cells[row.buildid]
        known = found.get((cell, row.name))
        if row.category == LONG:
            if known is not None:
                known.seconds = float(row.value)
            continue
        status, message = told(row.category, row.value)
        if row.category == TOLD and known is not None:
            known.status, known.message = status, message
        else:
            found[cell, row.name] = _case(row, cell, status, message)
    items = sorted(found.values(), key=lambda one: (_ORDER[one.status], one.cell, one.name))
    return Cases(
        items=items[:_MOST],
        counts=dict(Counter(str(one.status) for one in items)),
        attempt=max((row.attempt for row in rows), default=0),
    )


def _statement(builds: list[int]) -> Any:
    """Return the select of the results of builds; of each build all tests before what is added."""
    return (
        select(
            SETS.c.buildid,
            SETS.c.category,
            NAMES.c.name,
            PATHS.c.path,
            RESULTS.c.line,
            RESULTS.c.duration_ns,
            RESULTS.c.value,
        )
        .select_from(SETS)
        .join(RESULTS, RESULTS.c.test_result_setid == SETS.c.id)
        .join(NAMES, NAMES.c.id == RESULTS.c.test_nameid)
        .outerjoin(PATHS, PATHS.c.id == RESULTS.c.test_code_pathid)
        .where(and_(SETS.c.buildid.in_(builds), SETS.c.category.in_((ALL, TOLD, LONG))))
        .order_by(SETS.c.id, RESULTS.c.id)
    )


def _case(row: Any, cell: str, status: Status, message: str) -> Case:
    return Case(
        name=row.name,
        cell=cell,
        status=status,
        message=message,
        file=row.path,
        line=row.line,
        seconds=round((row.duration_ns or 0) / 1e9, 6),
    )


def told(category: str, value: str) -> tuple[Status, str]:
    """Return the status and the message that a stored value stands for."""
    if category == ALL:
        return ("failed" if value == "0" else "passed"), ""
    status, _, message = value.partition("\n")
    return (status if status in _ORDER else "failed"), message  # type: ignore[return-value]
