"""Detect whether a ledger has changed without reading its tables, for frequent polling."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

__all__ = ["Changes"]

#: A value that differs after any other connection has written. Neither query reads a table: SQLite
#: reads the index of its write-ahead log, PostgreSQL the insert position of its own log.
_ASKED = {
    "sqlite": text("PRAGMA data_version"),
    "postgresql": text("SELECT pg_current_wal_insert_lsn()"),
}


class Changes:
    """Change detector; remembers the ledger's version at the last check."""

    def __init__(self, engine: Engine) -> None:
        """Start with no known version: the first check reports a change.

        Args:
            engine: An engine returned by `open_ledger`.
        """
        self.engine = engine
        self._connection: Connection | None = None
        self._last: Any = None

    def any(self) -> bool:
        """Return whether anything was written since the last call.

        An unreachable database counts as changed: the caller's next query then reports the error.
        """
        try:
            if self._connection is None:
                found = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._connection = found
            now = self._connection.scalar(_ASKED[self.engine.dialect.name])
        except DBAPIError:
            self.close()
            return True
        last, self._last = self._last, now
        return bool(now != last)

    def close(self) -> None:
        """Close the connection and forget the version; the next check reports a change."""
        connection, self._connection, self._last = self._connection, None, None
        if connection is not None:
            connection.invalidate()
            connection.close()
