"""Publish a release over WebDAV: upload aside, read back, move the folder into place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.protocol.job import Job
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST, Manifest
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.targets.webdav.settings import WebdavTarget

try:
    from slipway.scripts.stages.publish.targets.webdav.dav import Dav, address
    from slipway.scripts.stages.publish.targets.webdav.old_releases import (
        releases,
        remove_release,
    )
    from slipway.scripts.stages.publish.targets.webdav.places import Folders, held, sweep
    from slipway.scripts.stages.publish.targets.webdav.pointing import put_pointers, read_pointer
    from slipway.scripts.stages.publish.targets.webdav.preflight import check_folder, try_rights
except ImportError as error:
    if (error.name or "").partition(".")[0] not in {"httpx", "httpcore"}:
        raise
    msg = "the target webdav needs the package httpx; install it: pip install 'slipway[webdav]'"
    raise MissingTool(msg) from error

__all__ = ["WebdavCopy"]


class WebdavCopy(ReleaseTarget):
    """The publication of one release to a folder of a web server."""

    def __init__(self, target: WebdavTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is sent."""
        self._target = target
        self._project = plain_name(job.project, "the project")
        self._version = plain_name(job.run.version, "the version")
        parts = urlsplit(target.url)
        self.where = f"{parts.netloc}{parts.path.rstrip('/')}/{self._project}"
        if target.authorities is not None:
            self.authorities = str(Path(job.state) / target.authorities)
        self._dav = Dav(target, job.stage.env, Path(job.state), self.where)
        self._found: Folders | None = None
        self._manifest: Manifest | None = None
        #: Files that lie aside; all others are public, or not there.
        self._aside: set[str] = set()

    def check(self, version: str, size: int | None) -> None:
        """Check login, rights, the name and room.

        For that a hidden folder with a file is made, moved and removed.

        Raises:
            StageFailed: Something of it is missing.
        """
        room = check_folder(self._dav)
        try_rights(self._dav)
        if room is not None and size is not None:
            needed = size - held(self._dav, self._project, version)
            if room < needed:
                msg = f"{self.where} has room for {room:,} bytes, and {needed:,} are needed"
                raise StageFailed(msg)

    @property
    def _folders(self) -> Folders:
        if self._found is None:
            msg = "look comes before everything else"
            raise StageFailed(msg)
        return self._found

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files are there, public or aside.

        Raises:
            StageFailed: What has the version's name is no release.
        """
        self._manifest = release.manifest
        self._found = folders = Folders(self._dav, self._project, release)
        seen = {name: Seen(FileState.STAGED) for name in folders.files()}
        public = folders.public_files()
        if public and MANIFEST not in public:
            folders.refuse_strangers(public, folders.public)
        self._aside = seen.keys() - public.keys()
        return seen | {name: Seen(FileState.PUBLIC) for name in public}

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Upload one file aside; WebDAV has no way to continue one."""
        self._folders.write(file, stream)
        self._aside.add(file.name)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file, public or aside."""
        return self._folders.read(file, is_aside=file.name in self._aside)

    def commit(self, release: OutgoingRelease) -> str:
        """Move the folder into place.

        Raises:
            StageFailed: Another release has the version by now.
        """
        self._folders.publish()
        self._aside.clear()
        sweep(self._dav, self._project)
        base = (self._target.public_url or self._target.url).rstrip("/")
        return f"{base}/{address(self._project, release.version)}/"

    def point(self, pointers: Pointers) -> None:
        """Put the pages in place, then latest.json."""
        own = self._manifest if pointers.latest == self._version else None
        put_pointers(self._dav, self._project, pointers, own)

    def pointer(self, name: str) -> bytes | None:
        """Return the bytes of a pointer beside the releases."""
        return read_pointer(self._dav, self._project, name)

    def public_url(self, name: str) -> str | None:
        """Return the address of a file, if the settings say where anybody may read it."""
        base = self._target.public_url
        path = address(self._project, self._version, name)
        return f"{base.rstrip('/')}/{path}" if base else None

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the project's releases there.

        Raises:
            StageFailed: The server does not list folders.
        """
        return releases(self._dav, self._project)

    def remove(self, version: str) -> None:
        """Remove a release: moved aside for readers first.

        Raises:
            StageFailed: The server refuses, or latest.json names that release.
        """
        remove_release(self._dav, self._project, version)

    def close(self) -> None:
        """End the connections."""
        self._dav.close()
