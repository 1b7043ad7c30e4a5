"""Folders at a WebDAV server: a release aside, the same in public, and what is left over."""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from slipway.model.errors import StageFailed
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease, OutgoingStream
from slipway.scripts.stages.publish.targets.webdav.dav import Dav, Upload, address
from slipway.scripts.stages.publish.targets.webdav.listing import Entry

__all__ = ["Folders", "aside", "held", "inside", "sweep"]

_DIGITS = 16
_DAY = 86400
#: Nextcloud keeps the ending .part for itself.
_OURS = re.compile(r"\..+\.[0-9a-f]{16}\.staged")
_NOT_FOUND, _CONFLICT, _TAKEN = 404, 409, 412


def aside(name: str) -> str:
    """Return a hidden name that nobody else uses."""
    return f".{name}.{secrets.token_hex(_DIGITS // 2)}.staged"


def held(dav: Dav, project: str, version: str) -> int:
    """Return the bytes that earlier tries have left of a version, which need no more room."""
    total = 0
    for one in inside(dav, address(project)):
        if one.is_folder and one.name.startswith(f".{version}.") and _OURS.fullmatch(one.name):
            files = inside(dav, address(project, one.name))
            total += sum(file.size or 0 for file in files)
    return total


def inside(dav: Dav, folder: str) -> list[Entry]:
    """Return what is in a folder, without the folder itself."""
    found = dav.entries(f"{folder}/", 1, "looking what is there")
    if found is None:
        return []
    # A server may be known to itself by another path than to us.
    own = f"/{unquote(folder)}"
    return [one for one in found[0] if not one.path.rstrip("/").endswith(own)]


class Folders:
    """The folder aside and the public one of a release."""

    def __init__(self, dav: Dav, project: str, release: OutgoingRelease) -> None:
        """Initialize.

        Args:
            dav: The server.
            project: The project's name.
            release: The release.
        """
        self._dav, self._release, self._project = dav, release, project
        # Its manifest names all of its bytes.
        digest = release.files[-1].sha256[:_DIGITS]
        self._hidden = address(project, f".{release.version}.{digest}.staged")
        self.public = address(project, release.version)
        self._made = False
        #: Files aside that are to be replaced, as they are not whole.
        self._wrong: set[str] = set()

    def files(self) -> dict[str, int]:
        """Return the files aside and their sizes; those that are not whole are left out."""
        sizes = {one.name: one.size for one in self._release.files}
        found = self._files(self._hidden)
        self._wrong = {*found}
        return {name: size for name, size in found.items() if size in (sizes.get(name), -1)}

    def public_files(self) -> dict[str, int]:
        """Return the files in public and their sizes."""
        return self._files(self.public)

    def _files(self, folder: str) -> dict[str, int]:
        if self._dav.lists:
            found = inside(self._dav, folder)
            if self._dav.lists:
                # Some do not say how long an empty file is.
                return {one.name: one.size or 0 for one in found if not one.is_folder}
        found_sizes = {}
        for one in self._release.files:
            size = self._dav.size(f"{folder}/{address(one.name)}", f"looking for {one.name}")
            if size is not None:
                found_sizes[one.name] = size
        return found_sizes

    def refuse_strangers(self, names: Iterable[str], folder: str) -> None:
        """Refuse a folder with files that the release has not.

        Raises:
            StageFailed: There are such.
        """
        strangers = sorted(set(names) - {one.name for one in self._release.files})
        if strangers:
            msg = (
                f"{self._dav.url(folder)} holds {strangers[0]!r}, which is not of this release; "
                "see what it is, and remove it or give the release a version of its own"
            )
            raise StageFailed(msg)

    def write(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Upload one file under a name of its own, and move it into the folder aside.

        So the folder never has a part of a file, and two publishers of the same release do not
        write the same file.
        """
        what = f"uploading {file.name}"
        self._make()
        name = address(self._project, aside("upload"))
        headers = {"Content-Length": str(file.size), "Content-Type": file.media_type}
        try:
            self._dav.ask("PUT", name, what, headers=headers, content=Upload(stream))
            path = f"{self._hidden}/{address(file.name)}"
            again = file.name in self._wrong
            code = self._dav.move(name, path, what, _CONFLICT, _TAKEN, replace=again)
            if code == _CONFLICT:
                # Another publisher of the same release has made the folder public.
                self._make(anew=True)
                code = self._dav.move(name, path, what, _TAKEN)
            if code == _TAKEN:
                self.remove(name)
        except Exception:
            # Some servers do not say that the folder has gone: the next try makes it again.
            self._made = False
            with contextlib.suppress(StageFailed):
                self.remove(name)
            raise
        self._wrong.add(file.name)

    def _make(self, *, anew: bool = False) -> None:
        if anew or not self._made:
            for folder in (address(self._project), self._hidden):
                self._dav.make_folder(folder, "making a folder")
            self._made = True

    def remove(self, path: str) -> None:
        """Remove what nobody has seen."""
        self._dav.ask("DELETE", path, "removing what lies aside", _NOT_FOUND)

    def read(self, file: OutgoingFile, *, is_aside: bool) -> Iterator[bytes]:
        """Yield the bytes of a file, aside or public.

        Raises:
            StageFailed: It is not there.
        """
        what = f"reading {file.name}"
        for folder in (self._hidden, self.public) if is_aside else (self.public,):
            blocks = self._dav.blocks(f"{folder}/{address(file.name)}", what, file.size)
            if blocks is not None:
                yield from blocks
                return
        msg = f"{what}: it is not at {self._dav.url(folder)}"
        raise StageFailed(msg)

    def publish(self) -> None:
        """Move the folder into place, or complete what is there of this very release.

        Raises:
            StageFailed: Another release has the version, strange files lie aside, or some have
                gone from there.
        """
        what = f"making {self._release.version} visible"
        if not self.public_files():
            if self._dav.lists:
                found = inside(self._dav, self._hidden)
                self.refuse_strangers((one.name for one in found), self._hidden)
            self._refuse_part()
            code = self._dav.move(
                f"{self._hidden}/", f"{self.public}/", what, _NOT_FOUND, _CONFLICT, _TAKEN
            )
            if code not in (_NOT_FOUND, _CONFLICT, _TAKEN):
                return
            if code != _TAKEN and not self.public_files():
                msg = f"{self._dav.url(self._hidden)} has gone; run it again"
                raise StageFailed(msg)
        self._refuse_another()
        hidden, public = self._files(self._hidden), self.public_files()
        for file in self._release.files:
            path = f"{self._hidden}/{address(file.name)}"
            if file.name in hidden and file.name not in public:
                self._dav.move(path, f"{self.public}/{address(file.name)}", what, _TAKEN)
        if hidden:
            self.remove(f"{self._hidden}/")

    def _refuse_part(self) -> None:
        """Refuse to show a part of a release: somebody may have tidied up meanwhile."""
        aside = self.files()
        gone = [one.name for one in self._release.files if one.name not in aside]
        # Another publisher of the same release may have made it public.
        if gone and not self.public_files():
            path = f"{self._hidden}/{address(gone[0])}"
            msg = f"{self._dav.url(path)} is not there any more, or not whole; run it again"
            raise StageFailed(msg)

    def _refuse_another(self) -> None:
        """Refuse to add to a release of other files, which may have come in the meantime."""
        there = self.public_files()
        asked = [one for one in self._release.files if one.name in there]
        if MANIFEST in there:
            asked = [one for one in asked if one.name == MANIFEST]
        else:
            self.refuse_strangers(there, self.public)
        for file in asked:
            digest = hashlib.sha256()
            for block in self.read(file, is_aside=False):
                digest.update(block)
            if digest.hexdigest() != file.sha256:
                msg = (
                    f"{self._dav.url(self.public)} has another {file.name}; releases never "
                    "change: give this one a version of its own"
                )
                raise StageFailed(msg)


def sweep(dav: Dav, project: str) -> None:
    """Remove what tries that were given up have left aside, if it is unchanged for a day."""
    folder = address(project)
    with contextlib.suppress(StageFailed, ValueError, TypeError):
        found = dav.entries(f"{folder}/", 1, "looking what was left")
        if found is None:
            return
        now = email.utils.parsedate_to_datetime(found[1]).timestamp()
        for one in found[0]:
            old = one.changed is not None and one.changed < now - _DAY
            if old and _OURS.fullmatch(one.name):
                path = f"{folder}/{address(one.name)}" + ("/" if one.is_folder else "")
                dav.ask("DELETE", path, "removing what was left", _NOT_FOUND)
