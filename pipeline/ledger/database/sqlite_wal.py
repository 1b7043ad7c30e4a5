"""Durability settings: SQLite's write-ahead log and PostgreSQL's synchronous commit.

Buildbot opens a connection for each transaction and closes it again. Whenever the last connection
to a database closes, SQLite copies the log into the database, syncs it and deletes the log
(https://www.sqlite.org/wal.html#the_wal_file): some hundred times in a run, while the stages
compete for the same disk.

PostgreSQL with `synchronous_commit = off` acknowledges a commit before it is on the disk, and loses
the last ones in a crash (https://www.postgresql.org/docs/current/wal-async-commit.html): a stage
would pass whose deployment was never recorded, or a build would wait for a lost request.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event

__all__ = ["keep_commits", "keep_log"]

_SYNCHRONOUS = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


def keep_log(engine: Engine) -> sqlite3.Connection | None:
    """Keep one idle connection open, so that SQLite never deletes the log.

    Args:
        engine: The master's database.

    Returns:
        The connection, to be closed when the master stops; None if the database is not a SQLite
        file.
    """
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    connection = sqlite3.connect(file, check_same_thread=False)
    # SQLite opens the log only at the first read.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def keep_commits(engine: Engine) -> None:
    """Enable synchronous commits on PostgreSQL; no-op for other databases.

    Args:
        engine: The engine of the ledger, or of Buildbot.
    """
    if engine.dialect.name != "postgresql":
        return
    event.listen(engine, "connect", _be_synchronous)
    # Close pooled connections, which would keep the old setting.
    engine.dispose()


def _be_synchronous(connection: Any, _record: Any) -> None:
    connection.execute(_SYNCHRONOUS)
    connection.commit()
