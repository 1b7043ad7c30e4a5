"""Keeping what was written: SQLite's write-ahead log, and PostgreSQL's commits.

Buildbot opens a connection for each transaction and closes it again. Whenever the last connection
to a database goes, SQLite copies the log into the database, syncs it and deletes the log
(https://www.sqlite.org/wal.html#the_wal_file): some hundred times in a run, while the stages want
the same disk.

PostgreSQL with `synchronous_commit = off` says that a transaction is committed before it is on the
disk, and forgets the last ones when it crashes
(https://www.postgresql.org/docs/current/wal-async-commit.html): a stage would pass whose deployment
was never written down, or a build wait for a request that is gone.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event

_SYNCHRONOUS = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


def keep_log(engine: Engine) -> sqlite3.Connection | None:
    """Open a connection that does nothing but stay: it is never the last one that goes.

    Args:
        engine: The master's database.

    Returns:
        The connection, to be closed when the master stops; None where the database is no SQLite
        file.
    """
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return None
    connection = sqlite3.connect(file, check_same_thread=False)
    # SQLite opens the log with the first thing that is read.
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


def keep_commits(engine: Engine) -> None:
    """Have PostgreSQL say that a transaction is committed only when it is; others do.

    Args:
        engine: What the ledger, or Buildbot, is written through.
    """
    if engine.dialect.name != "postgresql":
        return
    event.listen(engine, "connect", _be_synchronous)
    # Those that are open would go on as they are.
    engine.dispose()


def _be_synchronous(connection: Any, _record: Any) -> None:
    connection.execute(_SYNCHRONOUS)
    connection.commit()
