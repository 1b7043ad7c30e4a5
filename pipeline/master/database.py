"""Master database: durability settings, retries, and a separate pool for readers.

Buildbot uses SQLite in a single thread. A page's query would wait there for every write: 500 test
results, a log, a commit that waits for the disk. SQLite's write-ahead log allows reads during
writes (https://www.sqlite.org/wal.html#concurrency), so read-only work has its own threads and
connections, in which SQLite refuses writes. PostgreSQL has several connections already; readers do
not wait there.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from buildbot.db.pool import DBThreadPool
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from slipway.ledger.database.sqlite_wal import keep_commits, keep_log
from slipway.master.database_retry import Patience

__all__ = ["Database", "make_reading"]

#: Number of reader threads. They share the GIL, so more would not be faster; with two long queries,
#: such as a verification of the audit trail, one is still free.
_READERS = 3


class Database:
    """The master's database pools, open from the start to the stop of the master."""

    def __init__(self, master: Any) -> None:
        self._master = master
        self._log: sqlite3.Connection | None = None
        self._readers: DBThreadPool | None = None

    @property
    def readers(self) -> DBThreadPool:
        """The pool for reading, which sees all committed data; Buildbot's own before `open`."""
        return self._readers or self._master.db.pool

    async def open(self) -> None:
        """Configure durability and retries, and start the pool of readers."""
        pool, patience = self._master.db.pool, Patience()
        await pool.do_with_engine(patience.teach)
        self._master.reactor.addSystemEventTrigger("before", "shutdown", patience.end)
        await pool.do_with_engine(keep_commits)
        self._log = await pool.do_with_engine(keep_log)
        engine = await pool.do_with_engine(make_reading)
        if engine is not None:
            patience.teach(engine)
            self._readers = DBThreadPool(engine, reactor=self._master.reactor)
            self._readers.start()

    async def close(self) -> None:
        """Stop the readers after their current queries; later reads use Buildbot's own thread."""
        readers, self._readers = self._readers, None
        if readers is not None:
            await readers.stop()
        if self._log is not None:
            self._log.close()
            self._log = None


def make_reading(engine: Engine) -> Engine | None:
    """Return an engine with read-only connections, beside the engine that writes.

    Each transaction sees a snapshot: what was committed before it began.

    Args:
        engine: The engine that writes to the database.

    Returns:
        The engine; None if the database is not an SQLite file with a write-ahead log: without one,
        readers and writers lock each other out.
    """
    if engine.dialect.name != "sqlite":
        return None
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    if mode != "wal":
        return None
    # One connection per transaction, as Buildbot's own engine: a connection kept open could prevent
    # a checkpoint of the write-ahead log, or keep pages of the database in memory.
    reading = create_engine(engine.url, poolclass=NullPool)
    event.listen(reading, "connect", _only_read)
    event.listen(reading, "begin", _begin)
    # Buildbot's DBThreadPool reads this attribute.
    reading.optimal_thread_pool_size = _READERS  # type: ignore[attr-defined]
    return reading


def _only_read(connection: sqlite3.Connection, _record: Any) -> None:
    # pysqlite's own mode begins a transaction only at the first write: each SELECT would see
    # another snapshot (https://docs.sqlalchemy.org/20/dialects/sqlite.html#pysqlite-serializable).
    connection.isolation_level = None
    connection.execute("PRAGMA query_only = ON")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
