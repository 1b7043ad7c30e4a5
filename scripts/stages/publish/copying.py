"""Copy files into a release with verification, and delete partial releases."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input
from slipway.scripts.releases.verify import verify
from slipway.scripts.report import hash_file

__all__ = ["copy", "copy_file", "explain_refusal", "refuse_damaged", "sweep", "write"]

_BLOCK = 1 << 20
_DAY = 86400.0


def copy_file(path: Path, target: Path) -> None:
    """Copy a file and sync it to disk."""
    with path.open("rb") as source, target.open("xb") as stream:
        shutil.copyfileobj(source, stream, _BLOCK)
        stream.flush()
        os.fsync(stream.fileno())
        if hasattr(os, "posix_fadvise"):
            # With its pages dropped from the page cache, a check reads what the disk really holds.
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def copy(one: Input, target: Path) -> None:
    """Copy an artefact and verify it by reading it back from the disk.

    Raises:
        StageFailed: Its hash differs.
    """
    copy_file(Path(one.path), target)
    found = hash_file(target)
    if found != one.sha256:
        msg = f'"{one.name}" was altered on its way: sha256 {found} instead of {one.sha256}'
        raise StageFailed(msg)


def write(path: Path, text: str) -> None:
    """Write a text file and sync it to disk."""
    with path.open("xb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


def sweep(project: Path, keep: Path | None = None) -> None:
    """Delete what killed publishers left, if it is unchanged for a day.

    Args:
        project: The project's folder.
        keep: What is about to be continued, however old it is. None: nothing.
    """
    for part in project.glob(".*.part"):
        if part == keep:
            continue
        with contextlib.suppress(FileNotFoundError):
            inside = [part, *part.rglob("*")] if not part.is_symlink() else [part]
            if time.time() - max(path.lstat().st_mtime for path in inside) < _DAY:
                continue
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink()


def refuse_damaged(release: Path) -> None:
    """Verify a release that exists already.

    Raises:
        StageFailed: It is damaged; the sentence lists how.
    """
    if problems := verify(release):
        msg = f"{release} is there already, but is damaged: {'; '.join(problems)}"
        raise StageFailed(msg)


@contextlib.contextmanager
def explain_refusal(folder: Path, state: str = "") -> Iterator[None]:
    """Turn errors of the file system into a sentence.

    Args:
        folder: The folder to name, if the error names no file.
        state: The resulting state, such as "nothing was published"; the sentence begins with it.

    Raises:
        StageFailed: The file system refused an operation.
    """
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        begin = f"{state}: " if state else ""
        msg = f"{begin}{error.filename or folder}: {why}; mend that and run it again"
        raise StageFailed(msg) from error
