"""What an environment's files were when it was made, and whether they are so still.

On a worker of another machine stages are of the worker's user: one could change the code of those
that come after it. So each file is compared before each stage, by what the system keeps of it (on
Linux the time of the last change is the kernel's own, and nobody but root can set it), and by its
content where that differs; on Windows, which keeps no such time, by its content always. The worker
keeps the seal in its memory; beside the files lies a copy, which a worker that was started again
has to believe.

With the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from slipway.scripts.opened_files import FILE_FLAGS, read_plain

__all__ = [
    "Seal",
    "changed_file",
    "read_seal",
    "seal_digest",
    "seal_folder",
    "write_seal",
]

_Entry = list[int | str]
#: Where the size is in an entry.
_SIZE = 2
Seal = dict[str, _Entry]
#: Files beside those of the environment.
_SEAL = "seal.json"
#: Bytes of a seal at most: some 100 for each file.
_MOST = 64 << 20
_OWN = frozenset({_SEAL, "ready.json"})
_CACHED = "__pycache__"
_WINDOWS = os.name == "nt"


def seal_folder(folder: Path) -> Seal:
    """Return the seal of a folder as it is now."""
    return {name: [*_facts(found), _hash(folder / name, found)] for name, found in _files(folder)}


def changed_file(folder: Path, seal: Seal) -> str:
    """Return the first file that is missing, changed or new; empty if there is none.

    Args:
        folder: The folder.
        seal: Its seal; what the system keeps of files with the same content is brought up to date.

    Raises:
        OSError: A file cannot be looked at.
        IndexError, TypeError: The seal is none.
    """
    seen = 0
    for name, found in _files(folder):
        kept = seal.get(name)
        if kept is None:
            # Python would keep what it compiles there, for another level of optimisation; it takes
            # nothing from there in place of what is sealed.
            if f"/{_CACHED}/" in name:
                continue
            return name
        seen += 1
        facts = _facts(found)
        if _WINDOWS or facts != kept[:-1]:
            # By size first: a file without an end would be read for ever.
            if facts[_SIZE] != kept[_SIZE] or _hash(folder / name, found) != kept[-1]:
                return name
            kept[:-1] = facts
    if seen == len(seal):
        return ""
    return next((name for name in seal if not os.path.lexists(folder / name)), "a file")


def write_seal(folder: Path, seal: Seal) -> str:
    """Write a folder's seal into it; return the hash of what was written."""
    data = json.dumps(seal).encode()
    (folder / _SEAL).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def read_seal(folder: Path, digest: str = "") -> Seal:
    """Read a folder's seal; empty if there is none that can be read.

    Args:
        folder: The folder.
        digest: The hash of what was written; empty: it is not known.
    """
    try:
        data = read_plain(folder, _SEAL, _MOST)
        if digest and hashlib.sha256(data).hexdigest() != digest:
            return {}
        found = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def seal_digest(folder: Path) -> str:
    """Return the hash of a folder's seal as it lies there; empty if there is none."""
    try:
        return hashlib.sha256(read_plain(folder, _SEAL, _MOST)).hexdigest()
    except (OSError, ValueError):
        return ""


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield all files and links below a folder, with what the system keeps of them."""
    root, waiting = str(folder), [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(f"{root}/{inside}") as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif name not in _OWN:
                    try:
                        # Not the entry's own on Windows: that holds no inode.
                        found = (
                            os.lstat(entry.path) if _WINDOWS else entry.stat(follow_symlinks=False)
                        )
                    except FileNotFoundError:
                        # Gone meanwhile; there Python writes under another name first.
                        if f"/{_CACHED}/" in name:
                            continue
                        raise
                    yield name, found


def _facts(found: os.stat_result) -> _Entry:
    return [found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _hash(path: Path, found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return f"link {os.readlink(path)}"  # noqa: PTH115  as it is written
    if not stat.S_ISREG(found.st_mode):
        return "neither a file nor a link"
    with os.fdopen(os.open(path, FILE_FLAGS), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
