"""Move a job's inputs from their hashes to their paths, after verifying each.

A worker fetches files into a folder of the stage, each named by its SHA-256. Here they get their
names, after the content of the open file has been hashed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input, Job
from slipway.scripts.opened_files import NEW_FILE_FLAGS, open_plain

__all__ = ["nothing_to", "place_inputs"]


def place_inputs(inputs: Iterable[Input], folder: Path) -> None:
    """Place each input at its path.

    Args:
        inputs: The artefacts that the job needs.
        folder: The folder with the fetched files, each named by its hash.

    Raises:
        StageFailed: One is missing, truncated or altered, or cannot be placed.
    """
    for given in inputs:
        with contextlib.ExitStack() as stack:
            try:
                opened = open_plain(folder, (given.sha256,))
            except OSError as error:
                raise StageFailed(_differs(given, error.strerror or "it is not there")) from None
            stack.callback(os.close, opened)
            _check(given, opened)
            _put(given, opened, folder / given.sha256)


def nothing_to(do: str, job: Job) -> StageFailed:
    """Return the error of a stage that was given no product.

    Args:
        do: What it does with products, such as "publish".
        job: The stage.
    """
    names = ", ".join(job.stage.needs) or "no stage: it has no needs"
    msg = f'stage "{job.name}" has nothing to {do}: no product came from {names}'
    return StageFailed(msg)


def _check(given: Input, opened: int) -> None:
    facts = os.fstat(opened)
    if facts.st_size != given.size:
        raise StageFailed(_differs(given, f"{facts.st_size} bytes instead of {given.size} bytes"))
    with os.fdopen(os.dup(opened), "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != given.sha256:
        raise StageFailed(_differs(given, f"sha256 {found} instead of sha256 {given.sha256}"))


def _differs(given: Input, why: str) -> str:
    """Return the error sentence for an input that differs from what its stage left."""
    return (
        f'artefact "{given.name}" of stage "{given.stage}" was altered or truncated: {why}; '
        f"re-run {given.stage}"
    )


def _put(given: Input, opened: int, source: Path) -> None:
    """Hard-link the open file to its path, or copy it where that fails."""
    target = Path(given.path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target, follow_symlinks=False)
            facts = target.lstat()
            same = os.path.samestat(facts, os.fstat(opened))
        except (OSError, NotImplementedError):
            same = False
        if same:
            return
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
        os.lseek(opened, 0, os.SEEK_SET)
        with (
            os.fdopen(os.open(target, NEW_FILE_FLAGS, 0o600), "wb") as stream,
            os.fdopen(os.dup(opened), "rb") as file,
        ):
            shutil.copyfileobj(file, stream, 1 << 20)
    except OSError as error:
        msg = f'artefact "{given.name}" of stage "{given.stage}" cannot be put to {target}: {error}'
        raise StageFailed(msg) from None
