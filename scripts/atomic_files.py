"""Write files atomically, so that a reader never sees a partial file; give one another name."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from slipway.model.errors import StageFailed

__all__ = ["explain_full_disk", "link_file", "sync_folder", "write_text", "written_aside"]

_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


@contextlib.contextmanager
def explain_full_disk(place: Path) -> Iterator[None]:
    """Turn the errors of a full disk into a sentence.

    Args:
        place: The file that is written, for the sentence.

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
    """Open a file for atomic writing: it appears under its name only when complete.

    The content is synced to disk before the rename. On an error the temporary file is deleted.

    Args:
        target: The file to write; an existing one is replaced at the end.

    Raises:
        StageFailed: The disk is full.
    """
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    with explain_full_disk(target):
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
    """Write a text file atomically, in UTF-8 with line feeds.

    Raises:
        StageFailed: The disk is full.
    """
    with written_aside(target) as stream:
        stream.write(text.encode())


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that new names survive a power cut; a no-op on Windows."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def link_file(source: str | Path, target: str | Path) -> None:
    """Give a file another name, as a copy where the disk has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
