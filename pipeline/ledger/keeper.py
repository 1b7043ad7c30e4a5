"""Keeping SQLite's write-ahead log from one transaction to the next.

Buildbot opens a connection for each transaction and closes it again. Whenever the last connection
to a database goes, SQLite copies the log into the database, syncs it and deletes the log
(https://www.sqlite.org/wal.html#the_wal_file): some hundred times in a run, while the stages want
the same disk.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine


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
