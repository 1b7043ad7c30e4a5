"""The folder of a worker in which the master's code is installed: one environment for each.

With the standard library alone: the worker's process looks there before each stage.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path

from slipway.scripts.opened_files import read_plain
from slipway.scripts.python_env.interpreter import PROGRAMS
from slipway.workers.stage_code.seal import Seal, changed_file, read_seal, seal_digest

__all__ = ["COMING", "IN_USE", "KEPT", "Shelf"]

#: How the names of files begin that come from the master.
COMING = "coming"

#: Number of environments kept; one used within a day is kept, it may be in use.
KEPT = 3
IN_USE = 24 * 3600.0
#: Bytes of a mark at most.
_MOST = 1 << 16


class Shelf:
    """The environments of a worker."""

    MARK = "ready.json"

    def __init__(self, folder: Path, known: Mapping[str, str] | None = None) -> None:
        """Initialize.

        Args:
            folder: The folder.
            known: The hashes of the seals of the environments that are used, by the names of their
                folders: a stage could make one that looks like ours. None: all are believed.
        """
        self.folder = folder
        self._seals: dict[str, Seal] = {}
        self._digests = None if known is None else dict(known)

    @property
    def known(self) -> dict[str, str]:
        """The hashes of the seals that are known, by the names of the folders."""
        return dict(self._digests or {})

    def know(self) -> None:
        """Remember what is there now: from here on nothing else is used that is not trusted."""
        found = {one.name: seal_digest(one) for one in self._folders()}
        self._digests = {name: digest for name, digest in found.items() if digest}

    @property
    def python(self) -> str:
        """The Python that environments are made of: the one this installation stands on."""
        return str(getattr(sys, "_base_executable", "") or sys.executable)

    def mark(self, key: str) -> dict[str, str]:
        """Return what the mark of a whole environment says."""
        return {"key": key, "python": f"{self.python} {sys.version}"}

    def find(self, key: str) -> str:
        """Return the folder's name of a code's environment that is whole and unchanged, or ""."""
        for mark in self._marks():
            if self._digests is not None and mark.parent.name not in self._digests:
                continue
            if _read(mark) == self.mark(key) and self._is_unchanged(mark.parent):
                with contextlib.suppress(OSError):
                    os.utime(mark)
                return mark.parent.name
        return ""

    def trust(self, name: str, digest: str) -> None:
        """Remember the hash of the seal of an environment, before a stage has run that could lie.

        Args:
            name: The name of its folder.
            digest: The hash.
        """
        self._digests = {**self.known, name: digest}
        self._seals.pop(name, None)

    def _is_unchanged(self, folder: Path) -> bool:
        digest = self.known.get(folder.name, "")
        seal = self._seals.get(folder.name) or read_seal(folder, digest)
        try:
            whole = bool(seal) and not changed_file(folder, seal)
        except OSError:
            # Not used now; others may run from it, and it may be whole.
            return False
        except (AttributeError, LookupError, TypeError, ValueError):
            # The seal is none.
            whole = False
        if not whole:
            # It is not used again, and removed by the next installation.
            self._seals.pop(folder.name, None)
            with contextlib.suppress(OSError):
                (folder / self.MARK).unlink()
            return False
        self._seals[folder.name] = seal
        return True

    def path_with(self, name: str) -> str:
        """Return this process's PATH with an environment's programs in place of our own."""
        ours: set[str] = set()
        if sys.prefix != sys.base_prefix:
            ours = {os.path.dirname(sys.executable), sysconfig.get_path("scripts")}  # noqa: PTH120
        before = os.environ.get("PATH", "").split(os.pathsep)
        programs = str(self.folder / name / "env" / PROGRAMS)
        return os.pathsep.join([programs, *(one for one in before if one not in ours)])

    def clear_half_made(self) -> None:
        """Remove what an installation that was ended has left."""
        for folder in self._folders():
            with contextlib.suppress(OSError):
                # With a seal it was whole once, and stages may run from it still.
                used = bool(seal_digest(folder)) and _age(folder) < IN_USE
                if not used and not (folder / self.MARK).is_file():
                    shutil.rmtree(folder, ignore_errors=True)
        for file in self.folder.glob(f"{COMING}*"):
            with contextlib.suppress(OSError):
                if _age(file) > IN_USE:
                    file.unlink()

    def prune(self, used: str) -> None:
        """Remove the environments that were not used for longest."""
        for mark in self._marks()[KEPT:]:
            with contextlib.suppress(OSError):
                if mark.parent.name == used or _age(mark) < IN_USE:
                    continue
                # First: what cannot be removed as a whole is not whole.
                mark.unlink()
                shutil.rmtree(mark.parent, ignore_errors=True)

    def _folders(self) -> list[Path]:
        with contextlib.suppress(OSError):
            inside = [one for one in self.folder.iterdir() if "-" in one.name]
            return [one for one in inside if one.is_dir() and not one.is_symlink()]
        return []

    def _marks(self) -> list[Path]:
        """Return the marks of all environments, the last used first."""
        found = []
        for folder in self._folders():
            with contextlib.suppress(OSError):
                mark = folder / self.MARK
                found.append((mark.lstat().st_mtime, mark))
        return [mark for _, mark in sorted(found, reverse=True)]


def _read(mark: Path) -> object:
    try:
        return json.loads(read_plain(mark.parent, mark.name, _MOST))
    except (OSError, ValueError, RecursionError):
        return None


def _age(path: Path) -> float:
    return time.time() - path.lstat().st_mtime
