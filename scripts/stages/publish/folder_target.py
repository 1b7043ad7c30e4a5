"""Publish a release to another folder: copy aside, verify, then rename atomically."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Job
from slipway.scripts.atomic_files import explain_full_disk, sync_folder
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST, SUMS, Manifest
from slipway.scripts.releases.verify import verify
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.copying import (
    copy_file,
    explain_refusal,
    refuse_damaged,
    sweep,
)
from slipway.scripts.stages.publish.index import locked, point_at
from slipway.scripts.stages.publish.targets import FolderTarget

__all__ = ["FolderCopy"]


class FolderCopy:
    """The publication of one release to a folder."""

    def __init__(self, target: FolderTarget, job: Job, report: Report) -> None:
        self._report = report
        root = Path(job.state, target.path).resolve()
        self._project = root / plain_name(job.project, "the project")
        self._part: Path | None = None
        self._release: Manifest | None = None
        self.where = str(self._project)

    def check(self, version: str) -> None:
        """Check that the folder is writable.

        Raises:
            StageFailed: It is not, or a damaged release has this version there.
        """
        nearest = next(one for one in (self._project, *self._project.parents) if one.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            msg = f"nothing was published: {nearest} is no folder that this worker may write"
            raise StageFailed(msg)
        there = self._project / version
        if there.exists():
            refuse_damaged(there)

    def stage(self, release: Path) -> None:
        """Copy all files aside and verify them.

        Raises:
            StageFailed: Another release has this version there, or the folder cannot be written.
        """
        new = manifests.read(release / MANIFEST)
        self._release = new
        there = self._project / new.version
        if there.exists():
            if not manifests.read(there / MANIFEST).same_release(new):
                msg = (
                    f"{there} is another release of the same version; releases never change: give "
                    "this one a version of its own"
                )
                raise StageFailed(msg)
            return
        names = [SUMS, *(one.name for one in (*new.artefacts, *new.pages)), MANIFEST]
        with explain_refusal(self._project), explain_full_disk(self._project):
            self._project.mkdir(parents=True, exist_ok=True)
            sweep(self._project)
            self._part = there.with_name(f".{there.name}.{secrets.token_hex(8)}.part")
            self._part.mkdir()
            for number, name in enumerate(names):
                progress = f"files copied to {self.where}; now {name}"
                self._report.progress(progress, number, len(names))
                copy_file(release / name, self._part / name)
            sync_folder(self._part)
        if problems := verify(self._part):
            msg = f"{self.where} does not hold what was written: {'; '.join(problems)}"
            raise StageFailed(msg)

    def commit(self) -> str:
        """Rename the copy into place and update `latest`.

        Raises:
            StageFailed: The folder cannot be written.
        """
        release = self._release
        if release is None:
            msg = "nothing was brought there yet"
            raise StageFailed(msg)
        target = self._project / release.version
        with (
            explain_refusal(self._project),
            explain_full_disk(self._project),
            locked(self._project),
        ):
            if self._part is not None and not target.exists():
                self._part.rename(target)
                self._part = None
                sync_folder(self._project)
            point_at(self._project, release)
        return str(target)

    def discard(self) -> None:
        """Delete the copy, if it was not committed."""
        if self._part is not None:
            shutil.rmtree(self._part, ignore_errors=True)
