"""The target `zip`: each release as one file in a folder."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from slipway.plugins import (
    FileState,
    Job,
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    ReleaseTarget,
    Report,
    Seen,
    StageFailed,
    Target,
)


class ZipTarget(Target):
    """One zip file for each release, in a folder of the worker."""

    runner: ClassVar[str] = "slipway_example.zip_target:ZipCopy"

    kind: Literal["zip"]
    path: str
    """The folder; relative to the state folder."""

    def written_folders(self, project: str) -> dict[str, str]:
        """Return the folder: a worker that keeps projects apart lets the stage write there."""
        return {"path": f"{self.path}/{project}"}


class ZipCopy(ReleaseTarget):
    """One release on its way; safe to do again."""

    def __init__(self, target: ZipTarget, job: Job, report: Report) -> None:
        self._folder = Path(job.state, target.path, job.project)
        self._zip = self._folder / f"{job.run.version}.zip"
        self._aside = self._folder / f".{job.run.version}"
        self.where = str(self._folder)

    def check(self, version: str, size: int | None) -> None:
        if self._folder.exists() and not self._folder.is_dir():
            raise StageFailed(f"{self._folder} is no folder")

    def look(self, release: OutgoingRelease) -> dict[str, Seen]:
        if self._zip.exists():
            with zipfile.ZipFile(self._zip) as made:
                return {name: Seen(FileState.PUBLIC) for name in made.namelist()}
        staged = self._aside.iterdir() if self._aside.exists() else ()
        return {path.name: Seen(FileState.STAGED) for path in staged}

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        self._aside.mkdir(parents=True, exist_ok=True)
        with (self._aside / file.name).open("wb") as copy:
            shutil.copyfileobj(stream, copy)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        is_public = self._zip.exists()
        folder = zipfile.Path(self._zip) if is_public else self._aside
        with (folder / file.name).open("rb") as stream:
            yield from iter(lambda: stream.read(1 << 20), b"")

    def commit(self, release: OutgoingRelease) -> str:
        if not self._zip.exists():
            new = self._zip.with_suffix(".new")
            with zipfile.ZipFile(new, "w") as made:
                for file in release.files:
                    made.write(self._aside / file.name, file.name)
            new.rename(self._zip)
        shutil.rmtree(self._aside, ignore_errors=True)
        return str(self._zip)
