"""Run PostgreSQL's programs against a server, and restore dumps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.scripts import process
from slipway.scripts.postgresql.cluster import Server

__all__ = ["Log", "call", "restore"]

Log = Callable[[str], None]


def restore(server: Server, archive: Path, database: str, log: Log) -> None:
    """Restore a dump into an empty database.

    Raises:
        StageFailed: pg_restore failed.
    """
    call(server, ["pg_restore", "--exit-on-error", "-d", database, str(archive)], log)


def call(server: Server, argv: list[str], log: Log) -> process.Finished:
    """Run one of PostgreSQL's programs against a server.

    Raises:
        StageFailed: It failed.
    """
    path = server.programs.path(argv[0])
    done = process.run([path, *argv[1:]], env=server.environment(), log=log, what=argv[0])
    if done.code != 0:
        lines = done.tail.splitlines()
        msg = f"{argv[0]} failed ({done.code}): {lines[-1] if lines else 'it said nothing'}"
        raise StageFailed(msg)
    return done
