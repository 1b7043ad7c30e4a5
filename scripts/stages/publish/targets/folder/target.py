"""Publish a release to another folder: copy aside, then rename atomically."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts import removal
from slipway.scripts.atomic_files import explain_full_disk, sync_folder
from slipway.scripts.humanize import plain_name
from slipway.scripts.opened_files import open_plain
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.publish.copying import explain_refusal, refuse_damaged, sweep
from slipway.scripts.stages.publish.index import LATEST, locked, point, point_at, read_pointer
from slipway.scripts.stages.publish.targets.folder.followed_copy import copy_followed
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget

__all__ = ["FolderCopy"]

_BLOCK = 1 << 20


class FolderCopy(ReleaseTarget):
    """The publication of one release to a folder."""

    renames = True

    def __init__(self, target: FolderTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is read or written."""
        root = Path(job.state, target.path).resolve()
        self._project = root / plain_name(job.project, "the project")
        self._version = plain_name(job.run.version, "the version")
        self._part: Path | None = None
        self._is_swept = False
        #: What the file system says of the copies that were read back, and their hashes, by name.
        self._copied: dict[str, tuple[tuple[int, ...], str]] = {}
        #: True if the list of releases is made here, not by a site.
        self._lists = True
        self.where = str(self._project)

    @property
    def _home(self) -> Path:
        return self._project / self._version

    def check(self, version: str, size: int | None) -> None:
        """Check that the folder is writable and has room.

        Raises:
            StageFailed: It is not, or a damaged release has this version there.
        """
        nearest = next(one for one in (self._project, *self._project.parents) if one.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            msg = f"nothing was published: {nearest} is no folder that this worker may write"
            raise StageFailed(f"{msg}{_whom_to_give(nearest) if nearest.is_dir() else ''}")
        there = self._project / version
        if there.exists():
            refuse_damaged(there)
        elif size is not None and (free := shutil.disk_usage(nearest).free) < size:
            msg = (
                f"nothing was published: {nearest} has {free:,} bytes free, and {size:,} are needed"
            )
            raise StageFailed(msg)

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files are there, public or aside."""
        # The part of this very release: its manifest names all of its bytes.
        self._part = self._project / f".{release.version}.{release.files[-1].sha256[:16]}.part"
        if self._home.exists():
            return _seen(self._home, FileState.PUBLIC)
        return _seen(self._part, FileState.STAGED)

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> str:
        """Copy one file aside, and read the copy back.

        It is written under a name of its own first: another publisher of the same release may be at
        work, and what that one makes public is not written to any more.
        """
        with explain_refusal(self._project), explain_full_disk(self._project):
            self._make_room()
            with self._own() as own:
                digest = copy_followed(stream, own)
                with locked(self._project):
                    if not self._home.exists():
                        self._aside.mkdir(exist_ok=True)
                        own.replace(self._aside / file.name)
                        self._copied[file.name] = _facts(self._aside / file.name), digest
                        return digest
        return ""

    def _make_room(self) -> None:
        if not self._is_swept:
            self._project.mkdir(parents=True, exist_ok=True)
            sweep(self._project, self._part)
            self._is_swept = True

    @contextlib.contextmanager
    def _own(self) -> Iterator[Path]:
        """Yield a path in the project's folder that no other publisher has; nothing stays there."""
        own = self._project / f".{secrets.token_hex(8)}.part"
        try:
            yield own
        finally:
            own.unlink(missing_ok=True)

    @property
    def _aside(self) -> Path:
        if self._part is None:
            msg = "look comes before stage"
            raise StageFailed(msg)
        return self._part

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file, public or aside."""
        folder = self._home if self._home.exists() else self._aside
        with explain_refusal(folder), os.fdopen(open_plain(folder, (file.name,)), "rb") as stream:
            while block := stream.read(_BLOCK):
                yield block

    def commit(self, release: OutgoingRelease) -> str:
        """Rename the copy into place.

        Raises:
            StageFailed: The folder cannot be written, or a file was changed or removed after it
                was read back.
        """
        project = self._project
        with explain_refusal(project), explain_full_disk(project), locked(project):
            if not self._home.exists():
                self._refuse_part(release)
                self._refuse_changed()
                sync_folder(self._aside)
                # One step: readers see all of it, or nothing.
                self._aside.rename(self._home)
                sync_folder(project)
            elif self._aside.exists():
                shutil.rmtree(self._aside, ignore_errors=True)
        return str(self._home)

    def _refuse_part(self, release: OutgoingRelease) -> None:
        """Refuse to show a part of a release: somebody may have tidied up meanwhile."""
        gone = [one.name for one in release.files if not (self._aside / one.name).is_file()]
        if gone:
            msg = f"{self.where}: {gone[0]} is not aside any more; run it again"
            raise StageFailed(msg)

    def _refuse_changed(self) -> None:
        for name, (facts, digest) in self._copied.items():
            path = self._aside / name
            # Another publisher of this release may have put its own copy there.
            if _facts(path) != facts and hash_file(path) != digest:
                msg = (
                    f"{self.where} does not hold what was written: {name} was changed after it was "
                    "read back"
                )
                raise StageFailed(msg)

    def point(self, pointers: Pointers) -> None:
        """Update `latest`, pages, feeds and channels."""
        project = self._project
        with explain_refusal(project), explain_full_disk(project), locked(project):
            self._lists = not pointers.files
            if pointers.files:
                point(project, pointers)
            else:
                point_at(project, manifests.read(self._home / MANIFEST))

    def pointer(self, name: str) -> bytes | None:
        """Return the bytes of a pointer in the project's folder."""
        return read_pointer(self._project, name)

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the project's releases in the folder."""
        for path in self._project.glob(f"[!.]*/{MANIFEST}"):
            version = path.parent.name
            if path.parent.is_symlink():
                continue
            with contextlib.suppress(WrongInput):
                there = manifests.read(path)
                if (there.project, there.version) == (self._project.name, version):
                    yield PublishedRelease(version, there.published_at.timestamp())

    def remove(self, version: str) -> None:
        """Remove a release: by one rename for readers, then from the disk.

        Raises:
            StageFailed: The folder cannot be written, or `latest` shows that release.
        """
        project = self._project
        there = project / plain_name(version, "the version")
        if (project / LATEST).resolve().name == version:
            msg = f"{project / LATEST} shows {version}"
            raise StageFailed(msg)
        part = project / f".{version}.{secrets.token_hex(8)}.part"
        with explain_refusal(project), locked(project):
            if there.is_dir():
                there.rename(part)
                if self._lists:
                    point_at(project, manifests.read(self._home / MANIFEST))
        # Others who may write here may have put anything into it.
        if problems := removal.remove(part):
            raise StageFailed(problems[0])


def _whom_to_give(folder: Path) -> str:
    """Return what lets the worker write a folder; empty on Windows, which has no such command."""
    try:
        import pwd

        user = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return ""
    return f" (make it and give it to the user this stage runs as: chown {user} {folder})"


def _facts(path: Path) -> tuple[int, ...]:
    facts = path.lstat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _seen(folder: Path, state: FileState) -> dict[str, Seen]:
    if not folder.is_dir():
        return {}
    return {path.name: Seen(state) for path in folder.iterdir() if path.is_file()}
