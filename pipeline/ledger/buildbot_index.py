"""Buildbot's own tables of test results: indexes that they lack, and rows by the hundred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, column, insert, inspect, select, table, text
from sqlalchemy.orm import Session

from slipway.model.protocol.event import TestResult
from slipway.model.protocol.result_sets import ALL, LONG, MOST_NS, TOLD

_TABLE = "test_results"
#: What a result's value begins with: told apart, the statuses, "0" and "1" need no more letters.
LETTERS = 3
BEGINNING = f"substr(value, 1, {LETTERS})"
_INDEXES = {
    "ix_slipway_test_results": "test_result_setid, test_nameid",
    "ix_slipway_test_beginnings": f"test_result_setid, ({BEGINNING}), id, test_nameid",
}

_RESULTS = table(
    _TABLE,
    *map(
        column,
        (
            "builderid",
            "test_result_setid",
            "test_nameid",
            "test_code_pathid",
            "line",
            "duration_ns",
            "value",
        ),
    ),
)
_NAMES = table("test_names", column("id"), column("builderid"), column("name"))
_PATHS = table("test_code_paths", column("id"), column("builderid"), column("path"))


def index_tests(connection: Connection) -> None:
    """Let results be found by set and name, and by set and status, without reading all there are.

    Buildbot stores test results, but shows none, and has no index on SQLite and PostgreSQL.
    """
    if inspect(connection).has_table(_TABLE):
        for name, columns in _INDEXES.items():
            connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {_TABLE} ({columns})"))


def add(session: Session, builder: int, sets: Mapping[str, int], tests: list[TestResult]) -> None:
    """Write down results.

    Buildbot's own way makes one statement of 3,000 rows with a bound value for each cell: it is put
    together anew each time, and the interpreter does little else meanwhile. Rows of one statement
    that is prepared once cost a tenth.

    Args:
        session: Any session of the database that Buildbot's tables are in.
        builder: Buildbot's id of the builder.
        sets: The ids of Buildbot's sets by category; those there are results for.
        tests: The results.
    """
    names = _ids(session, _NAMES, "name", builder, (test.name for test in tests))
    paths = _ids(session, _PATHS, "path", builder, (one.file for one in tests if one.file))
    rows: list[dict[str, Any]] = []
    for test in tests:
        bad = test.status in {"failed", "error"}
        took = max(0, int(test.seconds * 1e9))
        place = {
            "builderid": builder,
            "test_nameid": names[test.name],
            "test_code_pathid": paths[test.file] if test.file else None,
            "line": test.line,
        }
        values = {ALL: "0" if bad else "1"}
        if test.status != "passed":
            values[TOLD] = f"{test.status}\n{test.message}"
        if took > MOST_NS:
            values[LONG] = f"{test.seconds:.6f}"
        for category, value in values.items():
            timed = {"duration_ns": min(took, MOST_NS) if category == ALL else None}
            rows.append(place | timed | {"test_result_setid": sets[category], "value": value})
    session.execute(insert(_RESULTS), rows)


def _ids(
    session: Session, into: Any, key: str, builder: int, texts: Iterable[str]
) -> dict[str, int]:
    """Return the ids of names or paths; those that are not known yet get one."""
    wanted = set(texts)
    known = _known(session, into, key, builder, wanted)
    missing = sorted(wanted - known.keys())
    if missing:
        session.execute(insert(into), [{"builderid": builder, key: one} for one in missing])
        known |= _known(session, into, key, builder, set(missing))
    return known


def _known(session: Session, into: Any, key: str, builder: int, wanted: set[str]) -> dict[str, int]:
    own = into.c[key]
    found = select(own, into.c.id).where(into.c.builderid == builder, own.in_(wanted))
    return {row[0]: row[1] for row in session.execute(found)}
