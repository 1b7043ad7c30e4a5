"""The target `folder` beside what copies a file with as much certainty, and with less."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from publishing.measuring import Quiet, Way, bring, job_of
from slipway.scripts.releases.outgoing import OutgoingRelease
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy

__all__ = ["ways"]


@contextlib.contextmanager
def ways(scratch: Path, release: OutgoingRelease) -> Iterator[list[Way]]:
    """Yield the ways, the rivals before what is compared with them."""
    there = scratch / "there"

    def begin() -> None:
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()

    def copy() -> None:
        _copy(release, there)

    def copy_and_check() -> None:
        _copy(release, there, check=True)

    def ours() -> None:
        settings = FolderTarget(kind="folder", path=str(there))
        bring(FolderCopy(settings, job_of(scratch), Quiet()), release)

    # Once before: what is loaded at the first use is not what is measured.
    begin()
    ours()
    yield [
        Way("cp, fsync, rename", copy, begin),
        Way("and sha256sum of the copy", copy_and_check, begin),
        Way("folder", ours, begin, rival="cp, fsync, rename", aim=0.9),
        Way(
            "folder, again",
            ours,
            begin,
            rival="and sha256sum of the copy",
            aim=0.9,
        ),
    ]


def _copy(release: OutgoingRelease, there: Path, *, check: bool = False) -> None:
    """Copy each file with cp, sync it to the disk, and rename all at once."""
    part = there / ".part"
    part.mkdir()
    for file in release.files:
        subprocess.run(["cp", file.path, part / file.name], check=True)
        opened = os.open(part / file.name, os.O_RDONLY)
        os.fsync(opened)
        if check:
            os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(opened)
    if check:
        names = [file.name for file in release.files]
        said = subprocess.run(
            ["sha256sum", *names], cwd=part, check=True, capture_output=True, text=True
        ).stdout
        if [line.split()[0] for line in said.splitlines()] != [one.sha256 for one in release.files]:
            sys.exit("a copy has another hash")
    part.rename(there / release.version)
    opened = os.open(there, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)
