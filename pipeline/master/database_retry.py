"""Retry database work while the database is locked, full, or restarting.

Buildbot retries failed database work for a day if the engine's `should_retry` accepts the error
(buildbot/db/pool.py, `DBThreadPool.__thd`). It accepts only SQLite's lock errors: for any other
error the build's data is lost, and the build, or its worker, hangs until the master is restarted.
Failed connections are not retried either; SQLAlchemy's `do_connect` event allows it.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

__all__ = ["Patience", "passes"]

_LOG = logging.getLogger(__name__)
#: SQLite errors that are temporary: they end when somebody frees space or releases the lock
#: (https://www.sqlite.org/rescode.html: SQLITE_BUSY, _LOCKED, _FULL, _IOERR, _CANTOPEN).
_SQLITE = (
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk i/o error",
    "unable to open database file",
)
#: SQLSTATE prefixes of PostgreSQL errors that are permanent: a wrong password, no such database, a
#: query cancelled on purpose (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_FINAL = ("28", "3D", "57014")
#: Seconds between two attempts to connect, and until giving up: as long as Buildbot retries.
_PAUSE, _LONGEST = 1.0, 86_400.0


class Patience:
    """Retry policy of a master's database engines, ended by `end`."""

    def __init__(self) -> None:
        self._ended = False

    def teach(self, engine: Engine) -> None:
        """Make an engine retry work, and connections, after temporary errors."""
        # Buildbot's DBThreadPool reads this attribute, which Buildbot itself sets.
        engine.should_retry = self.should_retry  # type: ignore[attr-defined]
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_connect", self._connect)

    def should_retry(self, error: OperationalError) -> bool:
        """Return whether a retry of the same work may succeed."""
        return not self._ended and passes(error.orig)

    def end(self) -> None:
        """Stop retrying: the master is stopping."""
        self._ended = True

    def _connect(self, dialect: Any, _record: Any, words: Any, options: Any) -> Any:
        deadline = time.monotonic() + _LONGEST
        while True:
            try:
                return dialect.connect(*words, **options)
            except dialect.dbapi.OperationalError as error:
                if self._ended or not passes(error) or time.monotonic() > deadline:
                    raise
                _LOG.warning("the database does not answer; trying again: %s", error)
                time.sleep(_PAUSE)


def passes(error: BaseException | None) -> bool:
    """Return whether a database error is temporary, not caused by the request itself."""
    state = getattr(error, "sqlstate", None)
    if type(error).__module__.partition(".")[0] == "psycopg":
        return not str(state or "").startswith(_FINAL)
    return any(reason in str(error).lower() for reason in _SQLITE)
