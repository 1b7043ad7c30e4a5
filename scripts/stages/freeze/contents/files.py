"""List the files of a frozen tree, and of the archive of modules in it, with size and hash."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.report import hash_file

__all__ = ["LIBRARY", "Held", "read_files"]

#: The archive of modules, as cx_Freeze names it.
LIBRARY = "lib/library.zip"


@dataclass(frozen=True)
class Held:
    """A file of a frozen tree, or a member of its archive of modules."""

    path: str
    """Relative to the tree, with slashes; of a member the archive's path and its own."""
    size: int
    """Bytes that it takes: of a member as it is packed."""
    sha256: str


def read_files(tree: Path) -> list[Held]:
    """Return all files of a frozen tree in the order of their paths; links are no files."""
    found = []
    for inner, size in sorted(_walk(tree, "")):
        path = tree / inner
        if inner == LIBRARY:
            members = list(_members(path))
            found += members
            # What is left are names, dates and hashes.
            rest = max(0, size - sum(one.size for one in members))
            found.append(Held(inner, rest, hash_file(path)))
        else:
            found.append(Held(inner, size, hash_file(path)))
    return found


def _walk(folder: Path | str, above: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for one in entries:
            if one.is_dir(follow_symlinks=False):
                yield from _walk(one.path, f"{above}{one.name}/")
            elif one.is_file(follow_symlinks=False):
                yield f"{above}{one.name}", one.stat().st_size


def _members(archive: Path) -> Iterator[Held]:
    with zipfile.ZipFile(archive) as packed:
        for entry in sorted(packed.infolist(), key=lambda entry: entry.filename):
            if not entry.is_dir():
                digest = hashlib.sha256(packed.read(entry)).hexdigest()
                yield Held(f"{LIBRARY}/{entry.filename}", entry.compress_size, digest)
