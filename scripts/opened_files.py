"""Open files that an untrusted program left: plain files only, no links, without blocking.

Standard library only, because workers use it, too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from slipway.scripts.removal import FOLDER_FLAGS, SAFE

__all__ = [
    "FILE_FLAGS",
    "NEW_FILE_FLAGS",
    "no_link",
    "open_folder",
    "open_plain",
    "parts_below",
    "read_plain",
]

#: Flags for reading: a pipe, device or socket opens without blocking, a link not at all.
FILE_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
#: Flags for creating: fails on an existing file, does not follow a link.
NEW_FILE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_REPARSE_POINT = 0x400


def parts_below(path: Path, root: Path) -> tuple[str, ...] | None:
    """Return the path components from a folder to a file, as written; None if it is not below.

    Args:
        path: The file.
        root: The folder.
    """
    below = Path(os.path.abspath(path))  # noqa: PTH100  links are not resolved
    for base in (os.path.abspath(root), os.path.realpath(root)):  # noqa: PTH100
        if below.is_relative_to(base):
            return below.relative_to(base).parts or None
    return None


def open_folder(root: int | Path, parts: Sequence[str]) -> int:
    """Open a folder below another, component by component; the caller closes the descriptor.

    Args:
        root: A descriptor of a folder, which stays open, or a path that is not a link.
        parts: The components that lead to it.

    Raises:
        OSError: A component is not a folder, or is a link.
    """
    folder = os.dup(root) if isinstance(root, int) else os.open(root, FOLDER_FLAGS)
    for part in parts:
        try:
            inner = os.open(part, FOLDER_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


def open_plain(root: int | Path, parts: Sequence[str]) -> int:
    """Open a plain file below a folder for reading; the caller closes the descriptor.

    Args:
        root: A descriptor of the folder, or its path.
        parts: The components that lead to it; the last is the file name.

    Raises:
        OSError: It does not exist, a component is a link, or it is not a plain file.
    """
    if any(part in {"", ".", ".."} or set(part) & set("/\\\0") for part in parts) or not parts:
        raise OSError(errno.EINVAL, "it is no path in its folder")
    if SAFE or isinstance(root, int):
        folder = open_folder(root, parts[:-1])
        try:
            opened = os.open(parts[-1], FILE_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
    else:
        path = root
        for part in parts:
            path /= part
            no_link(path)
        opened = os.open(path, FILE_FLAGS)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is no plain file")
    return opened


def read_plain(folder: Path, name: str, most: int) -> bytes:
    """Read a file that a stage may have replaced: a plain one alone, and not without an end.

    Raises:
        OSError: It cannot be read, or is no plain file.
        ValueError: It is larger.
    """
    with os.fdopen(open_plain(folder, (name,)), "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        msg = f"{folder / name} is larger than {most} bytes"
        raise ValueError(msg)
    return data


def no_link(path: Path) -> None:
    """Refuse a link, where folders have no descriptors; on Windows also a junction.

    Raises:
        OSError: The path is a link.
    """
    facts = path.lstat()
    reparse = getattr(facts, "st_file_attributes", 0) & _REPARSE_POINT
    if stat.S_ISLNK(facts.st_mode) or reparse:
        raise OSError(errno.ELOOP, "it is a link")
