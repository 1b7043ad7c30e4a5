"""Show the tests of one stage of one run, page by page, failed ones first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from buildbot.db.model import Model
from sqlalchemy import func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session

from slipway.ledger.buildbot_index import BEGINNING, LETTERS
from slipway.model.protocol.result_sets import ALL, LONG, NOT_PASSED
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.tests import Case, Cases, CasesQuery, Status
from slipway.www.views.lookup import find_attempts, find_run, narrow

__all__ = ["NAMES", "ORDER", "PATHS", "RESULTS", "SETS", "beginning", "decoded", "list_cases"]

#: Statuses in display order.
ORDER: tuple[Status, ...] = get_args(Status)

SETS = Model.test_result_sets
RESULTS = Model.test_results
NAMES = Model.test_names
PATHS = Model.test_code_paths
#: The indexed expression: the beginning of a result's value.
beginning: Any = literal_column(BEGINNING)


@dataclass(frozen=True)
class _Part:
    """The tests of one cell with one status."""

    status: Status
    cell: str
    sets: dict[str, int]
    """Buildbot's result sets of the cell's build, by category."""
    count: int


async def list_cases(call: Call) -> Cases:
    """Answer GET runs/PROJECT/NUMBER/stages/STAGE/tests."""
    path = call.path
    return await call.read(_list, call.outline(), path["number"], path["stage"], call.query)


def _list(session: Session, outline: Outline, number: str, stage: str, query: CasesQuery) -> Cases:
    run = find_run(session, outline.name, number)
    rows = narrow(find_attempts(session, run, outline, stage), query)
    cells = {row.build_id: row.cell for row in rows if row.build_id is not None}
    parts = _parts(session, cells)
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.status] += part.count
    wanted = [one for one in parts if query.status in {None, one.status}]
    following = query.after + query.limit
    return Cases(
        items=_cases(session, wanted, query),
        counts=dict(counts),
        attempt=max((row.attempt for row in rows), default=0),
        next=following if following < sum(one.count for one in wanted) else None,
    )


def _parts(session: Session, cells: dict[int, str]) -> list[_Part]:
    """Return the parts of all cells and statuses, in display order."""
    sets: dict[str, dict[str, int]] = defaultdict(dict)
    found = select(SETS.c.id, SETS.c.buildid, SETS.c.category).where(
        SETS.c.buildid.in_(cells), SETS.c.category.in_((ALL, NOT_PASSED, LONG))
    )
    for row in session.execute(found):
        sets[cells[row.buildid]][row.category] = row.id
    counted = _count(session, [key for own in sets.values() for key in own.values()])
    parts = []
    for status in ORDER:
        for cell in sorted(sets):
            not_passed = counted[sets[cell].get(NOT_PASSED, 0)]
            count = not_passed[status[:LETTERS]]
            if status == "passed":
                count = counted[sets[cell].get(ALL, 0)].total() - not_passed.total()
            if count > 0:
                parts.append(_Part(status, cell, sets[cell], count))
    return parts


def _count(session: Session, sets: list[int]) -> dict[int, Counter[str]]:
    """Count results by set and by the beginning of their value; reads the index alone."""
    own = RESULTS.c.test_result_setid
    query = select(own, beginning.label("begins"), func.count().label("times"))
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for row in session.execute(query.where(own.in_(sets)).group_by(own, beginning)):
        found[row.test_result_setid][row.begins] = row.times
    return found


def _cases(session: Session, parts: list[_Part], query: CasesQuery) -> list[Case]:
    """Return the selected cases."""
    chosen: list[Any] = []
    skip, left = query.after, query.limit
    for place, part in enumerate(parts):
        if skip < part.count and left > 0:
            one = _ids(part).add_columns(literal(place).label("place"))
            chosen.append(select(one.offset(skip).limit(left).subquery()))
            left -= min(left, part.count - skip)
        skip = max(0, skip - part.count)
    if not chosen:
        return []
    places = {row.id: parts[row.place] for row in session.execute(union_all(*chosen))}
    rows = {row.id: row for row in session.execute(_statement().where(RESULTS.c.id.in_(places)))}
    seconds = _seconds(session, places.values(), [row.test_nameid for row in rows.values()])
    return [
        Case(
            name=rows[key].name,
            cell=part.cell,
            status=part.status,
            message=decoded(NOT_PASSED, rows[key].value)[1] if part.status != "passed" else "",
            file=rows[key].path,
            line=rows[key].line,
            seconds=seconds.get((part.sets.get(ALL, 0), rows[key].test_nameid), 0.0),
        )
        for key, part in places.items()
    ]


def _ids(part: _Part) -> Any:
    """Return the select of a part's results, in the order in which the runner reported them."""
    own = RESULTS.c.test_result_setid
    query = select(RESULTS.c.id).order_by(RESULTS.c.id)
    if part.status != "passed":
        return query.where(own == part.sets[NOT_PASSED], beginning == part.status[:LETTERS])
    query = query.where(own == part.sets[ALL])
    if NOT_PASSED not in part.sets:
        return query
    other = RESULTS.alias("other")
    is_told = select(1).where(
        other.c.test_result_setid == part.sets[NOT_PASSED],
        other.c.test_nameid == RESULTS.c.test_nameid,
    )
    return query.where(~is_told.exists())


def _statement() -> Any:
    names = (RESULTS.c.id, RESULTS.c.test_nameid, NAMES.c.name, PATHS.c.path)
    return (
        select(*names, RESULTS.c.line, RESULTS.c.value)
        .select_from(RESULTS)
        .join(NAMES, NAMES.c.id == RESULTS.c.test_nameid)
        .outerjoin(PATHS, PATHS.c.id == RESULTS.c.test_code_pathid)
    )


def _seconds(
    session: Session, parts: Iterable[_Part], names: list[int]
) -> dict[tuple[int, int], float]:
    """Return tests' durations in seconds, by the ids of the set of all tests and of the name."""
    long = {part.sets[LONG]: part.sets[ALL] for part in parts if LONG in part.sets}
    sets = {part.sets[ALL] for part in parts if ALL in part.sets} | long.keys()
    columns = RESULTS.c["test_result_setid", "test_nameid", "duration_ns", "value"]
    query = select(*columns).where(
        RESULTS.c.test_result_setid.in_(sets), RESULTS.c.test_nameid.in_(names)
    )
    found: dict[tuple[int, int], float] = {}
    # Durations too large for Buildbot's column come last, and override.
    for row in sorted(session.execute(query), key=lambda row: row.test_result_setid in long):
        of = row.test_result_setid
        took = float(row.value) if of in long else (row.duration_ns or 0) / 1e9
        found[long.get(of, of), row.test_nameid] = round(took, 6)
    return found


def decoded(category: str, value: str) -> tuple[Status, str]:
    """Return the status and the message of a stored value."""
    if category == ALL:
        return ("failed" if value == "0" else "passed"), ""
    status, _, message = value.partition("\n")
    return (status if status in ORDER else "failed"), message
