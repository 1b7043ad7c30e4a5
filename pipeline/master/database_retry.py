"""Patience with a database that is away for a while: locked, full, or restarting.

Buildbot repeats database work that failed for a reason that its engine's `should_retry` knows, for
a day (buildbot/db/pool.py, `DBThreadPool.__thd`). It knows of SQLite's locks alone: with any other
reason what a build was about to write is lost, and the build, or its worker, hangs until the
master is restarted. It repeats no connecting either, which SQLAlchemy lets us do.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

_LOG = logging.getLogger(__name__)
#: SQLite's reasons that pass when somebody frees space, or ends what holds the lock
#: (https://www.sqlite.org/rescode.html: SQLITE_BUSY, _LOCKED, _FULL, _IOERR, _CANTOPEN).
_SQLITE = (
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk i/o error",
    "unable to open database file",
)
#: PostgreSQL's classes of reasons that no waiting mends: a wrong password, no such database, and a
#: query that was ended on purpose (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_FINAL = ("28", "3D", "57014")
#: Seconds between two tries to connect, and until it is given up: as long as Buildbot tries.
_PAUSE, _LONGEST = 1.0, 86_400.0


class Patience:
    """Makes a master's engine wait for its database; `end` ends all waiting."""

    def __init__(self) -> None:
        self._ended = False

    def teach(self, engine: Engine) -> None:
        """Have an engine's work repeated for any reason that passes."""
        # Buildbot sets this very attribute for its pool to ask.
        engine.should_retry = self.should_retry  # type: ignore[attr-defined]
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_connect", self._connect)

    def should_retry(self, error: OperationalError) -> bool:
        """Tell whether the same work may succeed later."""
        return not self._ended and passes(error.orig)

    def end(self) -> None:
        """Wait no longer: the master stops."""
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
    """Tell whether a database's error is about now, and not about what was asked of it."""
    state = getattr(error, "sqlstate", None)
    if type(error).__module__.partition(".")[0] == "psycopg":
        return not str(state or "").startswith(_FINAL)
    return any(reason in str(error).lower() for reason in _SQLITE)
