"""Pages, feeds and pointers in the store: put there for a stage to bring to targets, then let go.

Each publication and promotion renders them anew, and no row of the ledger names them. So a list of
them lies beside the files: an empty file by the name of each hash.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from slipway.artefacts.store import Store

__all__ = ["delete", "find_old", "note"]

_FOLDER = "rendered"
_HASH = re.compile(r"[0-9a-f]{64}")
#: A stage that has just begun may still be given younger ones.
_YOUNG = 86400.0


def note(store: Store, sha256: str) -> bool:
    """Write down that a file of the store is a rendered one, which a stage is given now.

    Returns:
        False: the store does not have it.
    """
    folder = store.root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / sha256).touch()
    try:
        # From now on it is young again: the same page may be rendered for years.
        os.utime(store.path(sha256))
    except FileNotFoundError:
        return False
    return True


def find_old(store: Store, now: float) -> list[str]:
    """Return the hashes of rendered files that nobody was given for a day.

    Args:
        store: The store.
        now: Seconds since 1970.
    """
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(store.root / _FOLDER) as entries:
        for one in entries:
            with contextlib.suppress(FileNotFoundError):
                if _HASH.fullmatch(one.name) and one.stat().st_mtime < now - _YOUNG:
                    found.append(one.name)
    return found


def delete(store: Store, old: Iterable[str], named: Collection[str], now: float) -> int:
    """Delete rendered files, but for those that were stored again since.

    Args:
        store: The store.
        old: What `find_old` has found.
        named: Those of them that the ledger names: artefacts with the same bytes. They stay, and
            are no rendered files from then on.
        now: Seconds since 1970.

    Returns:
        The number of bytes freed.

    Raises:
        StoreError: A backup is running; the next time they are deleted.
    """
    freed = 0
    with store.held(0):
        for sha256 in old:
            listed = store.root / _FOLDER / sha256
            with contextlib.suppress(FileNotFoundError):
                if listed.stat().st_mtime < now - _YOUNG:
                    if sha256 not in named:
                        freed += _delete(store.path(sha256), now - _YOUNG)
                    listed.unlink()
    return freed


def _delete(path: Path, before: float) -> int:
    """Delete a file that was not stored again since; return the bytes that the disk gets back."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0
    if facts.st_mtime >= before:
        return 0
    path.unlink()
    return facts.st_size if facts.st_nlink == 1 else 0
