"""Buildbot's own tables of test results: an index that they lack."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

_TABLE = "test_results"
_INDEX = "ix_slipway_test_results"


def index_tests(connection: Connection) -> None:
    """Let the results of one set, or of one test in it, be found without reading all there are.

    Buildbot stores test results, but shows none, and has no index on SQLite and PostgreSQL.
    """
    if inspect(connection).has_table(_TABLE):
        columns = "test_result_setid, test_nameid"
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS {_INDEX} ON {_TABLE} ({columns})"))
