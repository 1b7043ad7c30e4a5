"""Files written aside and put in place whole: a reader never sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from slipway.model.errors import StageFailed

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


@contextlib.contextmanager
def told_when_full(place: Path) -> Iterator[None]:
    """Turn the errors of a full disk into a sentence.

    Args:
        place: What was being written.

    Raises:
        StageFailed: The disk, the quota or the largest file size is exhausted.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        msg = f"the disk is full: {place} could not be written; free some space and run it again"
        raise StageFailed(msg) from error


@contextlib.contextmanager
def written_aside(target: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when it is whole, and else not at all.

    Args:
        target: The file to make; one that is there is replaced at the end.

    Raises:
        StageFailed: The disk is full.
    """
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    with told_when_full(target):
        try:
            with part.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8 with line feeds, aside and then in place."""
    with written_aside(target) as stream:
        stream.write(text.encode())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut; Windows does it by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
