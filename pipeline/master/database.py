"""The master's database: kept as Slipway wants it, and read beside what is being written.

Buildbot uses SQLite in one thread. Whoever asks for a page would wait there for whatever is being
written: 500 test results, a log, a commit that waits for the disk. SQLite's write-ahead log lets
others read meanwhile (https://www.sqlite.org/wal.html#concurrency), so what only reads has threads
and connections of its own, in which SQLite refuses to write. PostgreSQL has several connections
already; who reads there waits for nobody.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from buildbot.db.pool import DBThreadPool
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from slipway.ledger.database.sqlite_wal import keep_commits, keep_log
from slipway.master.database_retry import Patience

#: Readers at a time. They share the interpreter, so more would not be quicker; two long answers,
#: such as a walk along the audit trail, leave room for a third.
_READERS = 3


class Database:
    """What the master does with its database as long as it runs."""

    def __init__(self, master: Any) -> None:
        self._master = master
        self._log: sqlite3.Connection | None = None
        self._readers: DBThreadPool | None = None

    @property
    def readers(self) -> DBThreadPool:
        """Who reads; nothing that was written down before is unseen by them."""
        return self._readers or self._master.db.pool

    async def open(self) -> None:
        """Keep what is written, wait where waiting helps, and let others read beside it."""
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
        """Let go; who reads is waited for. Whoever comes later reads in Buildbot's own thread."""
        readers, self._readers = self._readers, None
        if readers is not None:
            await readers.stop()
        if self._log is not None:
            self._log.close()
            self._log = None


def make_reading(engine: Engine) -> Engine | None:
    """Return an engine whose connections only read, beside the one that writes.

    Each of its transactions sees what was committed before it began, and nothing of what is
    committed while it lasts.

    Args:
        engine: What the database is written through.

    Returns:
        The engine; None where the database is no SQLite file with a write-ahead log: there, who
        reads and who writes would lock each other out.
    """
    if engine.dialect.name != "sqlite":
        return None
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    if mode != "wal":
        return None
    # As Buildbot's own, a connection for each transaction: none stays that could keep the
    # write-ahead log from beginning anew, or hold pages of the database in memory.
    reading = create_engine(engine.url, poolclass=NullPool)
    event.listen(reading, "connect", _only_read)
    event.listen(reading, "begin", _begin)
    # Buildbot's pool asks for this very attribute.
    reading.optimal_thread_pool_size = _READERS  # type: ignore[attr-defined]
    return reading


def _only_read(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's own would begin a transaction only with what writes: each SELECT would see another
    # state (https://docs.sqlalchemy.org/20/dialects/sqlite.html#pysqlite-serializable).
    connection.isolation_level = None
    connection.execute("PRAGMA query_only = ON")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
