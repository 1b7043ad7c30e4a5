"""The target `zip`: each release as one file in a folder."""

import os
import zipfile
from pathlib import Path
from typing import ClassVar, Literal

from slipway.plugins import Job, Report, StageFailed, Target


class ZipTarget(Target):
    """One zip file for each release, in a folder of the worker."""

    runner: ClassVar[str] = "slipway_example.zip_target:ZipCopy"

    kind: Literal["zip"]
    path: str
    """The folder; relative to the state folder."""

    def written_folders(self, project: str) -> dict[str, str]:
        """Return the folder: a worker that keeps projects apart lets the stage write there."""
        return {"path": f"{self.path}/{project}"}


class ZipCopy:
    """One release on its way; safe to do again."""

    def __init__(self, target: ZipTarget, job: Job, report: Report) -> None:
        self._folder = Path(job.state, target.path, job.project)
        self._target = self._folder
        self._part = self._folder
        self.where = str(self._folder)

    def check(self, version: str) -> None:
        """See that the folder is one, before anything is published."""
        if self._folder.exists() and not self._folder.is_dir():
            raise StageFailed(f"{self._folder} is no folder")

    def stage(self, release: Path) -> None:
        """Write the file aside, and read it back."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._target = self._folder / f"{release.name}.zip"
        self._part = self._folder / f".{release.name}.{os.getpid()}.part"
        with zipfile.ZipFile(self._part, "x") as made:
            for path in sorted(release.iterdir()):
                # The same release is the same bytes.
                entry = zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0))
                made.writestr(entry, path.read_bytes())
        with zipfile.ZipFile(self._part) as made:
            if (bad := made.testzip()) is not None:
                raise StageFailed(f"{bad} is damaged in {self._part}")

    def commit(self) -> str:
        """Let it be seen, unless it is there already; another one of that version is refused."""
        if not self._target.exists():
            self._part.rename(self._target)
        elif self._target.read_bytes() != self._part.read_bytes():
            raise StageFailed(f"{self._target} is another release; releases never change")
        return str(self._target)

    def discard(self) -> None:
        """Remove what was written aside."""
        if self._part != self._folder:
            self._part.unlink(missing_ok=True)
