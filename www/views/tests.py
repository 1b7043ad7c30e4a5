"""Show test statistics over many builds: failing now, flaky, slowest, and one test's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from buildbot.db.model import Model
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger.buildbot_index import LETTERS
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.protocol.result_sets import ALL, LONG, NOT_PASSED
from slipway.model.site import builder_name
from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.base import Listing
from slipway.www.shapes.tests import (
    Failing,
    Flaky,
    HistoryQuery,
    Seen,
    Slow,
    Status,
    Tests,
    TestsQuery,
)
from slipway.www.views.flaky_tests import find_flaky
from slipway.www.views.test_cases import NAMES, PATHS, RESULTS, SETS, beginning, decoded

__all__ = ["show_history", "show_tests"]

#: Maximum builds of each stage that are read.
_BUILDS = 20
#: Maximum result sets of the whole site among which these are found.
_SETS = 4000
_MOST = 100
#: A build with more failed tests than this is broken as a whole; its tests are not counted.
_MANY = 2000
_BAD: tuple[Status, ...] = ("failed", "error")
_NOT_WELL: tuple[Status, ...] = (*_BAD, "flaky", "quarantined")


@dataclass(frozen=True)
class _Set:
    """A result set with its attempt."""

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
    failed: int | None
    """Number of its tests that did not pass."""


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
            SETS.c.tests_failed.label("failed"),
        )
        .select_from(SETS)
        .join(build, build.c.id == SETS.c.buildid)
        .join(StageResult, StageResult.request_id == build.c.buildrequestid)
        .join(Run, Run.id == StageResult.run_id)
        .where(SETS.c.category.in_((ALL, NOT_PASSED, LONG)), *conditions)
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
        failing=failing,
        flaky=flaky,
        slowest=_slowest(session, sets, builds),
        builds=_BUILDS,
    )


def _bad(
    session: Session, sets: dict[int, _Set], builds: dict[int, list[int]]
) -> tuple[list[Failing], list[Flaky]]:
    reported = {key: one for key, one in sets.items() if one.category == NOT_PASSED}
    newest = [key for key, one in reported.items() if one.build == builds[one.builder][0]]
    failing = [(reported[row.test_result_setid], row) for row in session.execute(_failing(newest))]
    names = [row.test_nameid for _, row in failing]
    times = {row.test_nameid: row.times for row in session.execute(_times(reported, names))}
    few = [key for key, one in reported.items() if (one.failed or 0) <= _MANY]
    found = find_flaky(session, sets, few, newest)
    return (
        [
            Failing(
                **_where(one, row, builds),
                status=status,
                message=message,
                file=row.path,
                at=one.at or 0.0,
                failed=times[row.test_nameid],
            )
            for one, row in failing
            for status, message in [decoded(NOT_PASSED, row.value)]
        ],
        [
            Flaky(**_where(one, row, builds), failed=row.failed)
            for row in found
            for one in [reported[row.newest]]
        ],
    )


def _where(one: _Set, row: Any, builds: dict[int, list[int]]) -> dict[str, Any]:
    return {
        "project": one.project,
        "stage": one.stage,
        "cell": one.cell,
        "name": row.name,
        "run": one.run,
        "of": len(builds[one.builder]),
    }


def _begins(*statuses: Status) -> Any:
    return beginning.in_([status[:LETTERS] for status in statuses])


def _failing(newest: list[int]) -> Any:
    """Return the select of tests that failed in the newest build of their stage."""
    own = RESULTS.c.test_result_setid
    return (
        select(own, RESULTS.c.test_nameid, RESULTS.c.value, NAMES.c.name, PATHS.c.path)
        .join(NAMES, NAMES.c.id == RESULTS.c.test_nameid)
        .outerjoin(PATHS, PATHS.c.id == RESULTS.c.test_code_pathid)
        .where(own.in_(newest), _begins(*_BAD))
        .order_by(own.desc(), RESULTS.c.id)
        .limit(_MOST)
    )


def _times(reported: Iterable[int], names: list[int]) -> Any:
    """Return the select of tests' failure counts, by the ids of their names."""
    own = RESULTS.c.test_nameid
    return (
        select(own, func.count().label("times"))
        .where(RESULTS.c.test_result_setid.in_(reported), own.in_(names), _begins(*_NOT_WELL))
        .group_by(own)
    )


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
    # A build has at most three sets.
    wanted = _sets(SETS.c.builderid == builder_id).limit(3 * query.limit)
    sets = {row.id: _Set(**row._mapping) for row in session.execute(wanted)}  # noqa: SLF001
    results = select(*RESULTS.c["test_result_setid", "value", "duration_ns"]).where(
        RESULTS.c.test_result_setid.in_(sets), RESULTS.c.test_nameid == name_id
    )
    seen: dict[int, Seen] = {}
    for row in session.execute(results.order_by(RESULTS.c.test_result_setid)):
        one = sets[row.test_result_setid]
        earlier = seen.get(one.build)
        if one.category == ALL:
            status, message = decoded(ALL, row.value)
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
        elif earlier is not None and one.category == LONG:
            seen[one.build] = earlier.model_copy(update={"seconds": float(row.value)})
        elif earlier is not None:
            status, message = decoded(NOT_PASSED, row.value)
            seen[one.build] = earlier.model_copy(update={"status": status, "message": message})
    return Listing[Seen](items=list(seen.values())[::-1][: query.limit])
