"""Files and folders at the server: a release aside, the same in public, and what points at it."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from slipway.model.errors import StageFailed
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
)
from slipway.scripts.stages.publish.targets.sftp.client import Refused, SftpClient
from slipway.scripts.stages.publish.targets.sftp.packets import Attributes, Code

__all__ = ["Part", "folder_there", "read_all", "refused", "steadily", "sweep"]

#: What is written again of a file that was cut: its last blocks may have come in any order.
_STEP_BACK = 4 << 20
_DAY = 86400
_DIGITS = 16
_OURS = re.compile(r"\..+\.[0-9a-f]{16}\.part")
_SHOWN = 200
_ALMOST_FULL = 1 << 20
_TRIES = 4

T = TypeVar("T")


def refused(error: Refused, where: str, what: str) -> StageFailed:
    """Return the sentence for a request that the server refused."""
    text = "".join(c if c.isprintable() else " " for c in str(error))[:_SHOWN].strip()
    msg = f"{where}: {what} was refused: {text or f'status {error.code}'}"
    if error.code == Code.PERMISSION_DENIED:
        msg += "; see that the user may write there"
    if error.code == Code.FAILURE:
        msg += "; SFTP does not say why: the disk or a quota may be full"
    return StageFailed(msg)


def folder_there(client: SftpClient, path: str) -> bool:
    """Return whether a folder is there.

    Raises:
        StageFailed: Something else has its name; a link is not followed, whoever made it.
    """
    found = client.look(path)
    if found is None:
        return False
    if not found.is_folder:
        kind = "a symbolic link" if found.is_link else "no folder"
        msg = f"{path} is {kind}, where a folder of releases is to be; remove it"
        raise StageFailed(msg)
    return True


def read_all(client: SftpClient, handle: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes of an open file and close it; of a longer one more than `size`."""
    try:
        yield from client.read(handle, size)
    finally:
        client.close(handle)


def steadily(action: Callable[[], T]) -> T:
    """Do something once more if a file has gone: another publisher has made the folder public."""
    for _ in range(_TRIES - 1):
        try:
            return action()
        except Refused as error:
            if error.code != Code.NO_SUCH_FILE:
                raise
    return action()


class Part:
    """A release in its hidden folder, and in the public one that this becomes."""

    def __init__(self, client: SftpClient, home: str, version: str, digest: str) -> None:
        """Initialize.

        Args:
            client: The session.
            home: The project's folder.
            version: The release's version.
            digest: The hash of its manifest, which names all of its bytes.
        """
        self._client, self._home, self._digest = client, home, digest
        self._version = version
        self._hidden = posixpath.join(home, f".{version}.{digest[:_DIGITS]}.part")
        self.public = posixpath.join(home, version)

    def path(self, name: str) -> str:
        """Return the path of a file aside."""
        return posixpath.join(self._hidden, name)

    def public_path(self, name: str) -> str:
        """Return the path of a file once it is public."""
        return posixpath.join(self.public, name)

    @staticmethod
    def held(client: SftpClient, home: str, version: str) -> int:
        """Return the bytes that earlier tries have left of a version, which need no more room."""
        total = 0
        for name, found in client.names(home).items():
            if found.is_folder and name.startswith(f".{version}.") and _OURS.fullmatch(name):
                inside = client.names(posixpath.join(home, name))
                total += sum(one.size or 0 for one in inside.values())
        return total

    def files(self) -> dict[str, int]:
        """Return the plain files aside and their sizes."""
        return self._plain(self._hidden)

    def public_files(self) -> dict[str, int]:
        """Return the plain files in public and their sizes."""
        return self._plain(self.public)

    def _plain(self, folder: str) -> dict[str, int]:
        if not folder_there(self._client, self._home) or not folder_there(self._client, folder):
            return {}
        names = self._client.names(folder).items()
        return {name: one.size or 0 for name, one in names if one.is_file}

    def refuse_strangers(self, names: Iterable[str], release: OutgoingRelease) -> None:
        """Refuse a folder with files that the release has not.

        Raises:
            StageFailed: There are such.
        """
        strangers = sorted(set(names) - {one.name for one in release.files})
        if strangers:
            msg = (
                f"{self.public} holds {strangers[0]!r}, which is not of this release; "
                "see what it is, and remove it or give the release a version of its own"
            )
            raise StageFailed(msg)

    def write(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Write one file, or what is missing of it.

        Another publisher of the same release may do the same at the same time. So a file is never
        emptied or replaced: both write the same bytes to the same places.

        Raises:
            StageFailed: Something else has a name that is needed.
        """
        for folder in (self._home, self._hidden):
            self._make(folder)
        path = self.path(file.name)
        handle, size = self._opened(path)
        # A file of full length that is to be written was read back, and is wrong.
        begin = max(0, size - _STEP_BACK) if size < file.size else 0
        try:
            stream.seek(begin)
            self._client.write(handle, begin, stream)
            if size > file.size:
                self._client.cut(handle, file.size)
            self._client.sync(handle)
        except Refused as error:
            self._explain_full(error, file)
            raise
        finally:
            self._client.close(handle)

    def _make(self, folder: str) -> None:
        if not folder_there(self._client, folder):
            try:
                self._client.make_folder(folder)
            except Refused:
                # Another publisher may have been quicker.
                if not folder_there(self._client, folder):
                    raise

    def _opened(self, path: str) -> tuple[bytes, int]:
        """Return a file opened for writing, and how much of it is there."""
        found = self._client.look(path)
        if found is None:
            try:
                return self._client.create(path), 0
            except Refused:
                found = self._client.look(path)
                if found is None:
                    raise
        if not found.is_file:
            msg = f"{path} is a link or a folder, where a file is to be written; remove it"
            raise StageFailed(msg)
        return self._client.open(path, write=True), found.size or 0

    def _explain_full(self, error: Refused, file: OutgoingFile) -> None:
        """Raise a better sentence where the disk is full, which SFTP has no status for."""
        with contextlib.suppress(Refused):
            room = self._client.room(self._hidden)
            if room is not None and error.code == Code.FAILURE and room.free < _ALMOST_FULL:
                msg = f"{self._hidden}: the disk is full, {file.name} could not be written"
                raise StageFailed(msg)

    def opened(self, name: str, *, is_aside: bool) -> bytes:
        """Return a file opened for reading, aside or public."""
        if is_aside:
            try:
                return self._client.open(self.path(name))
            except Refused as error:
                # Another publisher of the same release may have made it public.
                if error.code != Code.NO_SUCH_FILE:
                    raise
        return self._client.open(self.public_path(name))

    def _hash(self, path: str, size: int) -> str:
        digest = hashlib.sha256()
        for block in read_all(self._client, self._client.open(path), size):
            digest.update(block)
        return digest.hexdigest()

    def publish(self, release: OutgoingRelease) -> None:
        """Rename the folder into place, or complete what is there of this very release.

        Raises:
            StageFailed: Another release has the version, strange files lie aside, or some have
                gone from there.
        """
        if not folder_there(self._client, self.public):
            self.refuse_strangers(self._client.names(self._hidden), release)
            self._refuse_part(release)
            try:
                self._client.rename(self._hidden, self.public)
            except Refused:
                # Another publisher may have been quicker.
                if not folder_there(self._client, self.public):
                    raise
            else:
                return
        self._refuse_another(release)
        hidden, public = set(self.files()), set(self.public_files())
        for file in release.files:
            if file.name not in hidden:
                continue
            if file.name in public:
                self._client.remove(self.path(file.name))
            else:
                self._client.rename(self.path(file.name), self.public_path(file.name))
        if hidden:
            # It stays where something else lies in it.
            with contextlib.suppress(Refused):
                self._client.remove_folder(self._hidden)

    def _refuse_part(self, release: OutgoingRelease) -> None:
        """Refuse to show a part of a release: somebody may have tidied up meanwhile."""
        aside = self.files()
        gone = [one.name for one in release.files if aside.get(one.name) != one.size]
        # Another publisher of the same release may have made it public.
        if gone and not folder_there(self._client, self.public):
            msg = f"{self.path(gone[0])} is not there any more, or not whole; run it again"
            raise StageFailed(msg)

    def _refuse_another(self, release: OutgoingRelease) -> None:
        """Refuse to add to a release of other files, which may have come in the meantime."""
        there = set(self.public_files())
        asked = [one for one in release.files if one.name in there]
        if MANIFEST in there:
            asked = [one for one in asked if one.name == MANIFEST]
        else:
            self.refuse_strangers(there, release)
        for file in asked:
            if self._hash(self.public_path(file.name), file.size) != file.sha256:
                msg = (
                    f"{self.public} has another {file.name}; releases never change: give this "
                    "one a version of its own"
                )
                raise StageFailed(msg)


def sweep(client: SftpClient, home: str, fresh: str) -> None:
    """Remove what tries that were given up have left aside, if it is unchanged for a day.

    Args:
        client: The session.
        home: The project's folder.
        fresh: A file that was written now, which tells the server's time.
    """
    with contextlib.suppress(Refused):
        made = client.look(fresh)
        if made is None or made.changed is None:
            return
        for name, found in client.names(home).items():
            if _OURS.fullmatch(name) and _is_old(found, made.changed):
                _forget(client, posixpath.join(home, name), found, made.changed)


def _is_old(found: Attributes, now: int) -> bool:
    return found.changed is not None and found.changed < now - _DAY


def _forget(client: SftpClient, path: str, found: Attributes, now: int) -> None:
    if not found.is_folder:
        client.remove(path)
        return
    inside = client.names(path)
    if all(_is_old(one, now) and not one.is_folder for one in inside.values()):
        for name in inside:
            client.remove(posixpath.join(path, name))
        client.remove_folder(path)
