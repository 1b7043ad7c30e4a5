"""Keep private copies of seed databases for scenarios, and restore them from the originals."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from slipway.model.errors import StageFailed

__all__ = ["Seeds"]

_SQLITE = b"SQLite format 3\0"
#: Suffixes of files that SQLite leaves beside a database that was not closed.
_BESIDE = ("-wal", "-shm", "-journal")
_PATIENCE = 5.0


class Seeds:
    """Copies of database files in a private folder."""

    def __init__(self, originals: Mapping[str, Path]) -> None:
        """Create the folder; `put_back` copies the files.

        Args:
            originals: Files by database name.
        """
        self._originals = {name: path.absolute() for name, path in originals.items()}
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-seeds-")) if originals else None
        self.copies = {
            # One folder each, because two stages may leave files of the same name.
            name: self._place(number) / path.name
            for number, (name, path) in enumerate(self._originals.items())
        }

    def _place(self, number: int) -> Path:
        assert self.folder is not None  # noqa: S101  there are originals
        place = self.folder / str(number)
        place.mkdir()
        return place

    def put_back(self) -> None:
        """Copy the originals; no process may have the copies open.

        Raises:
            StageFailed: One cannot be copied.
        """
        for name, original in self._originals.items():
            copy = self.copies[name]
            try:
                for ending in _BESIDE:
                    copy.with_name(copy.name + ending).unlink(missing_ok=True)
                copy.unlink(missing_ok=True)
                shutil.copyfile(original, copy)
            except OSError as error:
                raise StageFailed(
                    f'seed "{name}": {original} cannot be copied to {copy.parent}: {error.strerror}'
                ) from error

    def put_back_live(self) -> bool:
        """Restore SQLite copies, in one transaction each, while other processes have them open.

        Returns:
            False if that is impossible, because one is not an SQLite database or is locked.
        """
        return all(self._live(original, name) for name, original in self._originals.items())

    def _live(self, original: Path, name: str) -> bool:
        with original.open("rb") as stream:
            if stream.read(len(_SQLITE)) != _SQLITE:
                return False
        source = f"{original.as_uri()}?mode=ro&immutable=1"
        try:
            with (
                contextlib.closing(sqlite3.connect(source, uri=True)) as seed,
                contextlib.closing(sqlite3.connect(self.copies[name], timeout=_PATIENCE)) as copy,
            ):
                seed.backup(copy, progress=_give_up)
        except sqlite3.Error:
            return False
        return True

    def remove(self) -> None:
        """Delete the copies."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def _give_up(status: int, _remaining: int, _total: int) -> None:
    # Python's backup retries a locked database for ever otherwise.
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("locked")
