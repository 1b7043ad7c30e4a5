"""Buildbot's own rows behind a filled ledger, so that its pages have the same past to show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from buildbot.db.model import Model
from ledger import STAGES, Site

#: Tests in each build of the first stage.
TESTS = 20
_BATCH = 20_000
#: What the making of the site's databases left behind; children before parents.
_EMPTIED = (
    *(Model.test_results, Model.test_result_sets, Model.test_names, Model.logchunks, Model.logs),
    *(Model.steps, Model.build_properties, Model.builds, Model.buildrequest_claims),
    *(Model.buildrequests, Model.buildset_properties, Model.buildset_sourcestamps),
    *(Model.buildsets, Model.changes, Model.sourcestamps),
)
_DONE = ("passed", "failed")


def give_builds(site: Site) -> int:
    """Write a build, its request, its buildset and a step for each stage that has run.

    Each run gets one change and one source stamp; each build of the first stage the results of
    twenty tests, of which one fails in every fifth run and one in the newest. Ids are those of the
    ledger's rows, which are told them.

    Returns:
        How many builds there are.
    """
    engine = site.database()
    with engine.begin() as connection:
        for table in _EMPTIED:
            connection.execute(table.delete())
        builders = _ids(connection, Model.builders)
        worker, master = _ids(connection, Model.workers)["local"], _first(connection)
        done = ", ".join(f"'{one}'" for one in _DONE)
        columns = "buildset_id = id, request_id = id, build_id = id"
        connection.execute(
            sa.text(f"UPDATE slipway_stage SET {columns} WHERE state IN ({done})")  # noqa: S608
        )
        stages = connection.execute(
            sa.text(
                "SELECT s.id, s.run_id, s.name, s.queued_at, s.started_at, s.finished_at, "
                "r.revision, r.committed_at FROM slipway_stage s JOIN slipway_run r "
                "ON r.id = s.run_id WHERE s.build_id IS NOT NULL ORDER BY s.id"
            )
        ).all()
        rows = (_of_stage(one, builders[f"demo.{one.name}"], worker, master) for one in stages)
        _write(connection, rows)
        names = [{"builderid": builders[f"demo.{STAGES[0]}"], "name": n} for n in _names()]
        connection.execute(Model.test_names.insert(), names)
        known = {one.name: one.id for one in connection.execute(sa.select(Model.test_names))}
        first = [one for one in stages if one.name == STAGES[0]]
        newest = first[-1].run_id
        results = (_tested(one, builders[f"demo.{STAGES[0]}"], known, newest) for one in first)
        _write(connection, results)
        connection.execute(sa.text("ANALYZE"))
    engine.dispose()
    return len(stages)


def _names() -> list[str]:
    return [f"tests.test_shop.Shop.test_{number:02}" for number in range(TESTS)]


def _ids(connection: sa.Connection, table: sa.Table) -> dict[str, int]:
    return {row.name: row.id for row in connection.execute(sa.select(table.c.id, table.c.name))}


def _first(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(Model.masters.c.id)).scalar_one())


def _write(connection: sa.Connection, rows: Iterator[list[tuple[sa.Table, Any]]]) -> None:
    while batch := list(islice(rows, _BATCH)):
        by_table: dict[sa.Table, list[Any]] = {}
        for several in batch:
            for table, row in several:
                by_table.setdefault(table, []).append(row)
        for table, values in by_table.items():
            connection.execute(table.insert(), values)


def _of_stage(one: Any, builder: int, worker: int, master: int) -> list[tuple[sa.Table, Any]]:
    asked, began, ended = int(one.queued_at), int(one.started_at), int(one.finished_at)
    over = {"complete_at": ended, "results": 0}
    rows: list[tuple[sa.Table, Any]] = [
        (
            Model.buildsets,
            {"id": one.id, "reason": "a run", "submitted_at": asked, "complete": 1, **over},
        ),
        (Model.buildset_sourcestamps, {"buildsetid": one.id, "sourcestampid": one.run_id}),
        (
            Model.buildrequests,
            {"id": one.id, "buildsetid": one.id, "builderid": builder, "submitted_at": asked}
            | {"complete": 1, **over},
        ),
        (
            Model.builds,
            {"id": one.id, "number": one.run_id, "builderid": builder, "buildrequestid": one.id}
            | {"workerid": worker, "masterid": master, "started_at": began, "locks_duration_s": 0}
            | {"state_string": "build successful", **over},
        ),
        (
            Model.steps,
            {"id": one.id, "number": 0, "name": "stage", "buildid": one.id, "started_at": began}
            | {"locks_acquired_at": began, "state_string": "214 tests passed", "urls_json": "[]"}
            | over,
        ),
    ]
    return _of_run(one) + rows if one.name == STAGES[0] else rows


def _of_run(one: Any) -> list[tuple[sa.Table, Any]]:
    at = {"branch": "main", "revision": one.revision, "repository": "source", "project": "demo"}
    stamp = {"id": one.run_id, "ss_hash": f"{one.run_id:040x}", "created_at": one.committed_at}
    change = {"changeid": one.run_id, "author": "Ann <ann@example.org>", "comments": "a change"}
    facts = {"when_timestamp": one.committed_at, "sourcestampid": one.run_id, "codebase": "demo"}
    return [
        (Model.sourcestamps, stamp | at | {"codebase": "demo"}),
        (Model.changes, change | at | facts),
    ]


def _tested(
    one: Any, builder: int, known: dict[str, int], newest: int
) -> list[tuple[sa.Table, Any]]:
    whole, failures = 2 * one.run_id, 2 * one.run_id + 1
    common = {"builderid": builder, "buildid": one.id}
    sets = common | {"stepid": one.id, "description": "tests", "value_unit": "boolean"}
    sets |= {"tests_passed": TESTS, "tests_failed": 0, "complete": 1}
    bad = {_names()[3]} if one.run_id % 5 == 0 else set()
    bad |= {_names()[7]} if one.run_id == newest else set()
    rows = [
        (Model.test_result_sets, sets | {"id": whole, "category": "pass_fail"}),
        (Model.test_result_sets, sets | {"id": failures, "category": "fail_only"}),
    ]
    for place, name in enumerate(_names()):
        result = common | {"test_nameid": known[name], "duration_ns": (place + 1) * 10_000_000}
        value = "0" if name in bad else "1"
        rows.append((Model.test_results, result | {"test_result_setid": whole, "value": value}))
        if name in bad:
            row = result | {"test_result_setid": failures, "value": "failed\nexpected 1, got 2"}
            rows.append((Model.test_results, row))
    return rows
