"""Indexes and bulk inserts for Buildbot's tables of test results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, column, insert, inspect, select, table, text
from sqlalchemy.orm import Session

from slipway.model.protocol.event import TestResult
from slipway.model.protocol.result_sets import ALL, LONG, MOST_NS, NOT_PASSED

__all__ = ["BEGINNING", "LETTERS", "add", "index_tests"]

_TABLE = "test_results"
#: Length of the prefix that is indexed. Statuses differ within it; "0" and "1" are shorter anyway.
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
    """Create indexes to find results by set and name, and by set and status.

    Buildbot stores test results but never displays them, and creates no index on SQLite and
    PostgreSQL.
    """
    if inspect(connection).has_table(_TABLE):
        for name, columns in _INDEXES.items():
            connection.execute(text(f"CREATE INDEX IF NOT EXISTS {name} ON {_TABLE} ({columns})"))


def add(session: Session, builder: int, sets: Mapping[str, int], tests: list[TestResult]) -> None:
    """Insert test results in bulk.

    Buildbot's own method builds one statement of 3,000 rows with a bound parameter for each cell;
    it is compiled anew each time and dominates the interpreter's time. One prepared statement,
    executed for many rows, costs a tenth.

    Args:
        session: Any session on the database that holds Buildbot's tables.
        builder: Buildbot's id of the builder.
        sets: The ids of Buildbot's result sets, by category.
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
            values[NOT_PASSED] = f"{test.status}\n{test.message}"
        if took > MOST_NS:
            values[LONG] = f"{test.seconds:.6f}"
        for category, value in values.items():
            timed = {"duration_ns": min(took, MOST_NS) if category == ALL else None}
            rows.append(place | timed | {"test_result_setid": sets[category], "value": value})
    session.execute(insert(_RESULTS), rows)


def _ids(
    session: Session, into: Any, key: str, builder: int, texts: Iterable[str]
) -> dict[str, int]:
    """Return the ids of names or paths; insert the missing ones."""
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
