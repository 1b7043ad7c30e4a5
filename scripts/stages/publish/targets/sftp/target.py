"""Publish a release over SFTP: write aside, read back, rename the folder in one step."""

from __future__ import annotations

import contextlib
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from slipway.model.errors import StageFailed
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
from slipway.scripts.stages.publish.targets.sftp.client import (
    POSIX_RENAME,
    Gone,
    Refused,
    SftpClient,
)
from slipway.scripts.stages.publish.targets.sftp.connection import Connection
from slipway.scripts.stages.publish.targets.sftp.old_releases import releases, remove_release
from slipway.scripts.stages.publish.targets.sftp.places import (
    Part,
    folder_there,
    read_all,
    refused,
    steadily,
    sweep,
)
from slipway.scripts.stages.publish.targets.sftp.pointing import aside, put_pointers, read_pointer
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget

__all__ = ["SftpCopy"]


class SftpCopy(ReleaseTarget):
    """The publication of one release to a folder that an ssh server keeps."""

    renames = True

    def __init__(self, target: SftpTarget, job: Job, _report: Report) -> None:
        """Initialize; nothing is read or written."""
        self._target = target
        self._project = plain_name(job.project, "the project")
        self._version = plain_name(job.run.version, "the version")
        output = Path(job.output)
        folder = output if output.is_dir() else Path(tempfile.gettempdir())
        self._connection = Connection(target, job.stage.env, Path(job.state), folder)
        self._root: str | None = None
        self._digest = ""
        self._manifest: Manifest | None = None
        #: Files that lie aside; all others are public, or not there.
        self._aside: set[str] = set()
        self.where = f"{target.host}:{target.path}/{self._project}"

    @contextlib.contextmanager
    def _asked(self, what: str) -> Iterator[SftpClient]:
        """Yield the session, and turn its failures into sentences.

        Raises:
            StageFailed: The server refuses.
            TryAgain: The connection is lost.
        """
        client = self._connection.client()
        try:
            yield client
        except Gone as error:
            raise self._connection.lost(error, what) from None
        except Refused as error:
            raise refused(error, self.where, what) from None

    def _base(self, client: SftpClient) -> str:
        """Return the settings' folder as an absolute path.

        Raises:
            StageFailed: It is not there, or the server cannot do what is needed.
        """
        if self._root is None:
            there = client.look(self._target.path, follow=True)
            if there is None or not there.is_folder:
                msg = (
                    f"{self._target.host}: there is no folder {self._target.path} that "
                    f'"{self._target.user}" may see; make it there, or correct path'
                )
                raise StageFailed(msg)
            if POSIX_RENAME not in client.extensions:
                msg = (
                    f"{self._target.host}: its SFTP cannot replace a file in one step "
                    f"({POSIX_RENAME}), as latest.json needs; use another server"
                )
                raise StageFailed(msg)
            self._root = client.real_path(self._target.path)
        return self._root

    def _home(self, client: SftpClient) -> str:
        return posixpath.join(self._base(client), self._project)

    def check(self, version: str, size: int | None) -> None:
        """Check login, rights, the name and room; a folder is made and removed for that.

        Raises:
            StageFailed: Something of it is missing.
        """
        with self._asked("looking whether a release can be written") as client:
            home = self._home(client)
            there = folder_there(client, home)
            probe = posixpath.join(home if there else self._base(client), aside("check"))
            room = client.room(posixpath.dirname(probe))
            if room is not None and room.is_read_only:
                msg = f"{self.where}: the file system there can only be read"
                raise StageFailed(msg)
            client.make_folder(probe)
            client.remove_folder(probe)
            if there and folder_there(client, posixpath.join(home, version)):
                return
            needed = (size or 0) - (Part.held(client, home, version) if there else 0)
            if room is not None and room.free < needed:
                msg = f"{self.where} has {room.free:,} bytes free, and {needed:,} are needed"
                raise StageFailed(msg)

    def _part(self, client: SftpClient) -> Part:
        if not self._digest:
            msg = "look comes before everything else"
            raise StageFailed(msg)
        return Part(client, self._home(client), self._version, self._digest)

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return which files are there, public or aside.

        Raises:
            StageFailed: What has the version's name is no release.
        """
        # The part of this very release: its manifest names all of its bytes.
        self._digest, self._manifest = release.files[-1].sha256, release.manifest
        with self._asked("looking what is there") as client:
            part = self._part(client)
            # What was cut is absent: it is continued, not read back.
            sizes = {one.name: one.size for one in release.files}
            there = part.files().items()
            seen = {n: Seen(FileState.STAGED) for n, size in there if size == sizes.get(n)}
            public = part.public_files()
            if public and MANIFEST not in public:
                part.refuse_strangers(public, release)
            self._aside = seen.keys() - public.keys()
            return seen | {name: Seen(FileState.PUBLIC) for name in public}

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Write one file aside, or what is missing of it.

        Raises:
            StageFailed: The server refuses, or something else has the file's name there.
        """
        with self._asked(f"writing {file.name}") as client:
            steadily(lambda: self._part(client).write(file, stream))
        self._aside.add(file.name)

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes of a file, public or aside."""
        with self._asked(f"reading {file.name}") as client:
            part, is_aside = self._part(client), file.name in self._aside
            handle = steadily(lambda: part.opened(file.name, is_aside=is_aside))
            yield from read_all(client, handle, file.size)

    def commit(self, release: OutgoingRelease) -> str:
        """Rename the folder into place.

        Raises:
            StageFailed: Another release has the version by now.
        """
        with self._asked(f"making {self._version} visible") as client:
            part = self._part(client)
            steadily(lambda: part.publish(release))
            self._aside.clear()
            sweep(client, self._home(client), part.public_path(MANIFEST))
            address = self._address()
            return f"{address}/" if address else f"{self._target.host}:{part.public}"

    def point(self, pointers: Pointers) -> None:
        """Put the pages in place, then latest.json, then the link `latest`."""
        with self._asked("moving latest on") as client:
            own = self._manifest if pointers.latest == self._version else None
            put_pointers(client, self._home(client), pointers, own)

    def pointer(self, name: str) -> bytes | None:
        """Return the bytes of a pointer in the project's folder."""
        with self._asked(f"reading {name}") as client:
            return read_pointer(client, self._home(client), name)

    def _address(self) -> str | None:
        base = self._target.public_url
        if base is None:
            return None
        return "/".join((base.rstrip("/"), quote(self._project), quote(self._version, safe="+")))

    def public_url(self, name: str) -> str | None:
        """Return the address of a file, if the settings say where the folder is served."""
        address = self._address()
        return f"{address}/{quote(name, safe='+')}" if address else None

    def versions(self) -> Iterator[PublishedRelease]:
        """Yield the project's releases there."""
        with self._asked("looking for old releases") as client:
            yield from releases(client, self._home(client))

    def remove(self, version: str) -> None:
        """Remove a release: by one rename for readers, then file by file.

        Raises:
            StageFailed: The server refuses, or `latest` shows that release.
        """
        with self._asked(f"removing {version}") as client:
            remove_release(client, self._home(client), version)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
