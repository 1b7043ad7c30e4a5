"""The rows of a live site's ledger, to be compared: a refused request changes none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from .site import Site

Rows = dict[str, list[tuple[object, ...]]]
#: Where refusals themselves are written down.
AUDIT = "slipway_audit"


def connect(site: Site, mode: str = "ro", patience: int = 5) -> Any:
    """Open the database beside the master; SQLite's as a mode has it, with no transaction begun."""
    if site.database.startswith("sqlite:"):
        file = site.state / site.database.removeprefix("sqlite:///")
        url = f"file:{file}?mode={mode}"
        return sqlite3.connect(url, timeout=patience, isolation_level=None, uri=True)
    return psycopg.connect(site.database.replace("+psycopg", "", 1), connect_timeout=patience)


def all_rows(site: Site) -> Rows:
    """Return the rows of all tables of the ledger, on SQLite."""
    with closing(connect(site, patience=30)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'slipway_%'"
        names = sorted(name for (name,) in connection.execute(query))
        every = 'SELECT * FROM "{}"'.format
        return {name: sorted(connection.execute(every(name)), key=repr) for name in names}


def changed(before: Rows, after: Rows, *but: str) -> list[str]:
    """Return the names of the tables that are not as they were."""
    assert before.keys() == after.keys()
    return [name for name in before if before[name] != after[name] and name not in but]
