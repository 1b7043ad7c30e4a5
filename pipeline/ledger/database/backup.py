"""A copy of a ledger in SQLite, made while others write to it; and whether a copy is good."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.audit.queries import verify
from slipway.ledger.queries import open_ledger
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.model.errors import MissingTool, StageFailed


@dataclass(frozen=True)
class Checked:
    """What a copy holds."""

    rows: int | None
    """How many rows its audit trail has. None: another version of Slipway has written it."""
    problem: str
    """What is wrong with that trail, in the site's own ledger, too; empty: nothing."""
    files: dict[str, int]
    """The artefacts that belong to it: SHA-256 and size."""
    places: list[Path]
    """Where the releases of its projects lie, a folder for each project."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, with all that is only in its write-ahead log yet.

    Args:
        source: The database; a master may be writing to it.
        target: A file that is not there; its owner alone may read it.

    Raises:
        MissingTool: It cannot be read, or the disk is full.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    try:
        # In one step: a copy in several begins anew each time somebody has written.
        reading.backup(writing, pages=-1)
        # One file, with no log beside it; the master's own mode comes back when it starts.
        writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        msg = f"the database {source} cannot be copied to {target.parent}: {error}"
        raise MissingTool(msg) from None
    finally:
        writing.close()
        reading.close()
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


def check_sqlite(path: Path) -> Checked:
    """Read a copy from its beginning to its end.

    Raises:
        StageFailed: SQLite finds it damaged.
    """
    connection = sqlite3.connect(path)
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    finally:
        connection.close()
    if said != ["ok"]:
        msg = f"the copy of the database is damaged, as the database is: {said[0]}; nothing is kept"
        raise StageFailed(msg)
    return check(f"sqlite:///{path}")


def check(url: str) -> Checked:
    """Walk along a ledger's audit trail, and list what belongs to it."""
    ledger = open_ledger(url)
    if ledger is None:
        return Checked(None, "", {}, [])
    try:
        verdict = verify(ledger)
        query = (
            select(Artefact.sha256, Artefact.size)
            .join(StageResult)
            .join(Run)
            .where(Run.pruned_at.is_(None))
        )
        with Session(ledger) as session:
            files = {str(sha256): int(size) for sha256, size in session.execute(query)}
            places = {Path(place).parent for place in session.scalars(select(Release.place))}
    finally:
        ledger.dispose()
    return Checked(verdict.rows, verdict.problem, files, sorted(places))
