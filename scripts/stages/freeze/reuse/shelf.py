"""Keep the last folders of a kind in a project's cache, each under a key.

A stage of the project can write there, as into its environments: what is taken from a shelf is
compared with the hashes that were noted, which finds damage. It is no protection from the
project's own code, which decides what is frozen in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["KEPT", "NOTES", "Damaged", "Shelf"]

#: Folders that are kept.
KEPT = 3
#: The file in each that says what the others must be; it is written last.
NOTES = "notes.json"


class Damaged(Exception):
    """What was kept is not what was noted."""


class Shelf:
    """Folders by key."""

    def __init__(self, folder: Path) -> None:
        """Open a shelf; its folder is made when something is put there."""
        self._folder = folder

    def find(self, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return a folder and its notes; None: there is none."""
        folder = self._folder / key
        try:
            notes = json.loads((folder / NOTES).read_text("utf-8"))
            # It was used.
            os.utime(folder)
        except (OSError, ValueError):
            return None
        return (folder, notes) if isinstance(notes, dict) else None

    def put(self, key: str, fill: Callable[[Path], dict[str, Any]]) -> None:
        """Keep a folder; an older one with its key is replaced, and those used least are removed.

        It is seen under its key only when it is complete. Of two freezes that put the same key at
        once, one wins.

        Args:
            key: Its name.
            fill: Writes into the folder and returns the notes.
        """
        part = self._folder / f".{secrets.token_hex(8)}.part"
        try:
            part.mkdir(parents=True)
            notes = fill(part)
            (part / NOTES).write_text(json.dumps(notes, sort_keys=True), "utf-8")
            self.drop(key)
            # Another was faster: its folder is as good.
            with contextlib.suppress(OSError):
                part.rename(self._folder / key)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._tidy()

    def drop(self, key: str) -> None:
        """Remove a folder, also while somebody reads it: then its hashes differ there."""
        self._remove(self._folder / key)

    def _remove(self, folder: Path) -> None:
        aside = self._folder / f".{secrets.token_hex(8)}.part"
        with contextlib.suppress(OSError):
            folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def _tidy(self) -> None:
        """Remove what was used least, and what a killed process has left long ago."""
        with contextlib.suppress(OSError):
            there = [path for path in self._folder.iterdir() if path.is_dir()]
            kept = [path for path in there if not path.name.startswith(".")]
            kept.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            for path in kept[KEPT:]:
                self._remove(path)
            times = {path: path.stat().st_mtime for path in there if path.exists()}
            newest = max(times.values(), default=0.0)
            for path, time in times.items():
                if path.name.endswith(".part") and newest - time > _LEFT:
                    shutil.rmtree(path, ignore_errors=True)


#: Seconds after which nobody fills a folder any more.
_LEFT = 24 * 3600.0
