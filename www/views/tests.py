"""Tests over many builds: failing now, flaky, slowest, and the history of one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from buildbot.db.model import Model
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger.tables import Run, StageResult
from slipway.model.site import builder_name
from slipway.www.call import Call
from slipway.www.refusal import not_found
from slipway.www.shapes.base import Listing
from slipway.www.shapes.tests import (
    Failing,
    Flaky,
    HistoryQuery,
    Seen,
    Slow,
    Tests,
    TestsQuery,
)
from slipway.www.views.cases import ALL, LONG, NAMES, PATHS, RESULTS, SETS, TOLD, told

#: So many builds of each stage are looked at.
_BUILDS = 20
#: Among so many of the newest sets of the whole site.
_SETS = 4000
_MOST = 100
_BAD = ("failed", "error")


@dataclass(frozen=True)
class _Set:
    """A set of results, and the attempt that it is of."""

    id: int
    category: str
    builder: int
    build: int
    project: str
    stage: str
    cell: str
    attempt: int
    run: int
    branch: str
    revision: str
    at: float | None


async def show_tests(call: Call) -> Tests:
    """Answer GET tests."""
    if call.query.project is not None:
        call.outline(call.query.project)
    return await call.read(_show, call.query)


def _sets(*conditions: Any) -> Any:
    build = Model.builds
    return (
        select(
            SETS.c.id,
            SETS.c.category,
            SETS.c.builderid.label("builder"),
            SETS.c.buildid.label("build"),
            Run.project,
            StageResult.name.label("stage"),
            StageResult.cell,
            StageResult.attempt,
            Run.number.label("run"),
            Run.branch,
            Run.revision,
            StageResult.finished_at.label("at"),
        )
        .select_from(SETS)
        .join(build, build.c.id == SETS.c.buildid)
        .join(StageResult, StageResult.request_id == build.c.buildrequestid)
        .join(Run, Run.id == StageResult.run_id)
        .where(SETS.c.category.in_((ALL, TOLD, LONG)), *conditions)
        .order_by(SETS.c.id.desc())
    )


def _show(session: Session, query: TestsQuery) -> Tests:
    conditions = [] if query.project is None else [Run.project == query.project]
    builds: dict[int, list[int]] = defaultdict(list)
    sets: dict[int, _Set] = {}
    for row in session.execute(_sets(*conditions).limit(_SETS)):
        seen = builds[row.builder]
        if row.build not in seen and len(seen) < _BUILDS:
            seen.append(row.build)
        if row.build in seen:
            sets[row.id] = _Set(**row._mapping)  # noqa: SLF001  SQLAlchemy's documented name
    failing, flaky = _bad(session, sets, builds)
    return Tests(
        failing=failing[:_MOST],
        flaky=flaky[:_MOST],
        slowest=_slowest(session, sets, builds),
        builds=_BUILDS,
    )


def _bad(
    session: Session, sets: dict[int, _Set], builds: dict[int, list[int]]
) -> tuple[list[Failing], list[Flaky]]:
    wanted = [key for key, one in sets.items() if one.category == TOLD]
    query = (
        select(RESULTS.c.test_result_setid, RESULTS.c.value, NAMES.c.name, PATHS.c.path)
        .join(NAMES, NAMES.c.id == RESULTS.c.test_nameid)
        .outerjoin(PATHS, PATHS.c.id == RESULTS.c.test_code_pathid)
        .where(RESULTS.c.test_result_setid.in_(wanted))
        .order_by(RESULTS.c.test_result_setid.desc())
    )
    found: dict[tuple[int, str], list[tuple[_Set, Any]]] = defaultdict(list)
    for row in session.execute(query):
        if told(TOLD, row.value)[0] not in {"skipped", "passed"}:
            one = sets[row.test_result_setid]
            found[one.builder, row.name].append((one, row))
    failing, flaky = [], []
    for (builder, name), times in found.items():
        one, row = times[0]
        status, message = told(TOLD, row.value)
        keys: dict[str, Any] = {
            "project": one.project,
            "stage": one.stage,
            "cell": one.cell,
            "name": name,
        }
        counted: dict[str, Any] = {"run": one.run, "failed": len(times), "of": len(builds[builder])}
        if one.build == builds[builder][0] and status in _BAD:
            at = one.at or 0.0
            more: dict[str, Any] = {
                "status": status,
                "message": message,
                "file": row.path,
                "at": at,
            }
            failing.append(Failing(**keys, **counted, **more))
        else:
            flaky.append(Flaky(**keys, **counted))
    failing.sort(key=lambda one: (-one.at, one.name))
    flaky.sort(key=lambda one: (-one.failed, one.name))
    return failing, flaky


def _slowest(session: Session, sets: dict[int, _Set], builds: dict[int, list[int]]) -> list[Slow]:
    newest = {seen[0] for seen in builds.values()}
    wanted = {key: one for key, one in sets.items() if one.build in newest}
    columns = (RESULTS.c.test_result_setid, RESULTS.c.duration_ns, RESULTS.c.value, NAMES.c.name)
    query = select(*columns).join(NAMES, NAMES.c.id == RESULTS.c.test_nameid)
    own = RESULTS.c.test_result_setid
    all_of = [key for key, one in wanted.items() if one.category == ALL]
    timed = query.where(own.in_(all_of), RESULTS.c.duration_ns > 0)
    long = query.where(own.in_([key for key, one in wanted.items() if one.category == LONG]))
    found: dict[tuple[int, str], Slow] = {}
    for row in session.execute(timed.order_by(RESULTS.c.duration_ns.desc()).limit(_MOST)):
        found[sets[row.test_result_setid].build, row.name] = _slow(sets, row, row.duration_ns / 1e9)
    for row in session.execute(long):
        found[sets[row.test_result_setid].build, row.name] = _slow(sets, row, float(row.value))
    return sorted(found.values(), key=lambda one: -one.seconds)[:_MOST]


def _slow(sets: dict[int, _Set], row: Any, seconds: float) -> Slow:
    one = sets[row.test_result_setid]
    return Slow(
        project=one.project,
        stage=one.stage,
        cell=one.cell,
        name=row.name,
        seconds=round(seconds, 6),
        run=one.run,
    )


async def show_history(call: Call) -> Listing[Seen]:
    """Answer GET tests/history."""
    call.outline(call.query.project)
    return await call.read(_history, call.query)


def _history(session: Session, query: HistoryQuery) -> Listing[Seen]:
    builder = builder_name(query.project, query.stage, query.cell)
    known = (
        select(func.max(NAMES.c.id), func.max(Model.builders.c.id))
        .join(Model.builders, Model.builders.c.id == NAMES.c.builderid)
        .where(Model.builders.c.name == builder, NAMES.c.name == query.name)
    )
    name_id, builder_id = session.execute(known).one()
    if name_id is None:
        raise not_found(f"{builder} has never run a test of this name")
    # At most three sets a build.
    wanted = _sets(SETS.c.builderid == builder_id).limit(3 * query.limit)
    sets = {row.id: _Set(**row._mapping) for row in session.execute(wanted)}  # noqa: SLF001
    results = select(*RESULTS.c["test_result_setid", "value", "duration_ns"]).where(
        RESULTS.c.test_result_setid.in_(sets), RESULTS.c.test_nameid == name_id
    )
    seen: dict[int, Seen] = {}
    for row in session.execute(results.order_by(RESULTS.c.test_result_setid)):
        one = sets[row.test_result_setid]
        if one.category == LONG and one.build in seen:
            seen[one.build].seconds = float(row.value)
        status, message = told(one.category, row.value)
        if one.category == TOLD and one.build in seen:
            seen[one.build].status, seen[one.build].message = status, message
        elif one.category == ALL:
            seen[one.build] = Seen(
                run=one.run,
                attempt=one.attempt,
                branch=one.branch,
                revision=one.revision,
                status=status,
                message=message,
                seconds=round((row.duration_ns or 0) / 1e9, 6),
                at=one.at,
            )
    return Listing[Seen](items=list(seen.values())[::-1][: query.limit])
