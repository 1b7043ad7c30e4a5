"""List a folder as archive entries: sorted, validated, independent of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.archives.limits import name_trouble, shown

__all__ = ["Entry", "entries", "entry_of", "escapes"]

_WINDOWS_PROGRAMS = frozenset({".exe", ".bat", ".cmd", ".com"})
_EXECUTABLE = 0o111


@dataclass(frozen=True)
class Entry:
    """One file, folder or symbolic link to pack."""

    path: Path
    """Path on disk: the source of the content, and the name used in errors."""
    name: str
    """Path in the archive, with slashes."""
    kind: Literal["file", "folder", "link"]
    executable: bool = False
    size: int = 0
    link: str = ""
    content: Callable[[], IO[bytes]] | None = field(default=None, compare=False)
    """Open the content of a file that is not on disk.

    Callable once, and only before the next entry is requested.
    """

    @property
    def mode(self) -> int:
        """Return the normalised permission bits, independent of the umask."""
        if self.kind == "link":
            return 0o777
        return 0o755 if self.kind == "folder" or self.executable else 0o644

    def open(self) -> IO[bytes]:
        """Open the file's content for reading."""
        return self.content() if self.content else self.path.open("rb", buffering=0)


def escapes(name: str, link: str) -> bool:
    """Return True if a symlink at `name` may point outside its tree.

    A ".." after a name is also refused: behind another link it can climb higher than it looks.
    """
    parts = PurePosixPath(link).parts
    if not parts or link.startswith("/") or "\0" in link:
        return True
    if os.name == "nt" and (":" in link or "\\" in link):
        return True
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    return ".." in parts[climbs:] or climbs > len(PurePosixPath(name).parts) - 1


def entries(folder: Path, root: str | None = None) -> list[Entry]:
    """List the contents of a folder as archive entries, sorted by name.

    Args:
        folder: The tree.
        root: The archive's single top folder. None: the folder's own name. "": none.

    Raises:
        StageFailed: The tree holds something that cannot be packed: a link out of it, a socket, a
            name that is not UTF-8.
        WrongInput: The folder does not exist, or `root` is not a plain name.
    """
    if not folder.is_dir():
        msg = f"{folder} is not a folder; there is nothing to pack"
        raise WrongInput(msg)
    top = folder.resolve().name if root is None else root
    if "/" in top or "\\" in top or top in {".", ".."}:
        msg = f'"{top}" cannot be the top folder of an archive: a plain name is needed'
        raise WrongInput(msg)
    found = [Entry(folder, top, "folder")] if top else []
    found += _walk(folder, f"{top}/" if top else "", PurePosixPath())
    return sorted(found, key=lambda entry: entry.name)


def _walk(folder: Path, prefix: str, inside: PurePosixPath) -> Iterator[Entry]:
    for child in _children(folder):
        here = inside / child.name
        path = Path(child.path)
        _check_name(path, str(here))
        if child.is_symlink():
            yield _link(path, f"{prefix}{here}", here)
        elif child.is_dir():
            yield Entry(path, f"{prefix}{here}", "folder")
            yield from _walk(path, prefix, here)
        else:
            yield entry_of(path, f"{prefix}{here}")


def _children(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as children:
            return list(children)
    except OSError as error:
        msg = f"{folder} cannot be packed: {(error.strerror or str(error)).lower()}"
        raise StageFailed(msg) from error


def _check_name(path: Path, name: str) -> None:
    trouble = name_trouble(name)
    if trouble:
        msg = f"{shown(str(path))} cannot be packed: {trouble}; rename it"
        raise StageFailed(msg)


def _link(path: Path, name: str, inside: PurePosixPath) -> Entry:
    link = os.fspath(path.readlink()).removeprefix("\\\\?\\").replace(os.sep, "/")
    if escapes(str(inside), link):
        msg = (
            f"{path} cannot be packed: this symbolic link leads to {link}, out of the tree; "
            "put a copy of the file there"
        )
        raise StageFailed(msg)
    return Entry(path, name, "link", link=link)


def entry_of(path: Path, name: str) -> Entry:
    """Return a file on disk as an archive entry.

    Args:
        path: The file.
        name: Its path in the archive.

    Raises:
        StageFailed: It is not a regular file.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        msg = f"{path} cannot be packed: it is neither a file nor a folder nor a link"
        raise StageFailed(msg)
    if os.name == "nt":
        executable = path.suffix.lower() in _WINDOWS_PROGRAMS
    else:
        executable = bool(facts.st_mode & _EXECUTABLE)
    return Entry(path, name, "file", executable, facts.st_size)
