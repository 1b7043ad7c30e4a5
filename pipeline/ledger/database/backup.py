"""Copy a SQLite ledger while it is in use, and verify copies."""

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

__all__ = ["Checked", "check", "check_sqlite", "copy_sqlite"]


@dataclass(frozen=True)
class Checked:
    """Contents of a verified copy."""

    rows: int | None
    """Number of rows of its audit trail. None: written by another version of Slipway."""
    problem: str
    """The first problem of the audit trail, which the site's own ledger has too; empty: none."""
    files: dict[str, int]
    """The artefacts that it references: SHA-256 and size in bytes."""
    places: list[Path]
    """The folders of published releases, one for each project."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a consistent snapshot of a database, including its write-ahead log.

    Args:
        source: The database; a master may write to it at the same time.
        target: A file that does not exist yet; created with mode 0600.

    Raises:
        MissingTool: The source cannot be read, or the disk is full.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    reading = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    try:
        # In one step: a backup in several steps restarts whenever somebody writes.
        reading.backup(writing, pages=-1)
        # A single file without a log; the master sets its own journal mode when it starts.
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
    """Check the integrity of a copy and verify its audit trail.

    Raises:
        StageFailed: SQLite reports damage.
    """
    connection = sqlite3.connect(path)
    try:
        problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    finally:
        connection.close()
    if problems != ["ok"]:
        damage = f"the copy of the database is damaged, as the database is: {problems[0]}"
        msg = f"{damage}; nothing is kept"
        raise StageFailed(msg)
    return check(f"sqlite:///{path}")


def check(url: str) -> Checked:
    """Verify a ledger's audit trail and list the files it references."""
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
