"""Whether a ledger has changed, without asking what is in it: for who looks at it all the time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

#: A number or a place that is another one when anybody else has written. None of it reads a table:
#: SQLite looks at its write-ahead log's index, PostgreSQL at where its own log ends.
_ASKED = {
    "sqlite": text("PRAGMA data_version"),
    "postgresql": text("SELECT pg_current_wal_insert_lsn()"),
}


class Changes:
    """Remembers how a ledger was when it was last asked."""

    def __init__(self, engine: Engine) -> None:
        """Remember nothing: the first answer is that it has changed.

        Args:
            engine: As `open_ledger` opens it.
        """
        self.engine = engine
        self._connection: Connection | None = None
        self._last: Any = None

    def any(self) -> bool:
        """Tell whether something was written since this was asked last.

        A database that cannot be reached has changed: asking it more says why.
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
        """Let the database go."""
        connection, self._connection, self._last = self._connection, None, None
        if connection is not None:
            connection.invalidate()
            connection.close()
