"""Extract an untrusted archive safely: no entry is written outside the target folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from slipway.model.errors import StageFailed
from slipway.scripts.archives.entries import escapes
from slipway.scripts.archives.limits import LONGEST_NAME, Allowance, name_trouble, shown
from slipway.scripts.archives.tar_zst import explain_damage, open_tar
from slipway.scripts.atomic_files import explain_full_disk

__all__ = ["unpack"]

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = (b"PK\3\4", b"PK\5\6")
_BLOCK = 1 << 20
#: Latest time, in seconds since 1970, that every file system can store.
_LATEST = (1 << 32) - 1


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar.zst or a zip, recognised by its first bytes, into a folder.

    Args:
        archive: The archive; no name or link in it may lead out of `folder`.
        folder: The target; created if missing. Existing files are never overwritten.

    Raises:
        StageFailed: The archive is damaged, truncated, of another format, or unsafe.
    """
    with archive.open("rb") as stream:
        start = stream.read(4)
    if start == _ZSTD:
        take = _unpack_tar
    elif start in _ZIP:
        take = _unpack_zip
    else:
        msg = f"{archive} is neither a tar.zst nor a zip: it starts with {start!r}"
        raise StageFailed(msg)
    folder.mkdir(parents=True, exist_ok=True)
    target = _Target(archive, folder)
    with _explain_refusal(archive, folder), explain_damage(archive), explain_full_disk(folder):
        take(archive, target)
        target.make_links()


@contextlib.contextmanager
def _explain_refusal(archive: Path, folder: Path) -> Iterator[None]:
    """Turn errors of the file system into a sentence.

    Raises:
        StageFailed: The file system refused an entry.
    """
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        place = shown(str(error.filename or folder))
        msg = f"{archive} cannot be unpacked: {place}: {why}"
        raise StageFailed(msg) from error


class _Target:
    """The target folder, with the checks that keep every entry inside it."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        self._archive = archive
        # Links are created last, so that no later entry can be written through one.
        self._links: dict[str, str] = {}
        self._real: set[Path] = {folder}

    def place(self, name: str, *, folder: bool = False) -> Path:
        """Return the path of an entry, after creating its parent folders.

        Raises:
            StageFailed: It is outside the folder, or the path exists already.
        """
        path = self._checked(name)
        self._make(path.parent, name)
        if folder:
            self._make(path, name)
        elif os.path.lexists(path):
            self._refuse(name, "it is there twice, or was there before")
        return path

    def link(self, name: str, link: str) -> None:
        """Record a symbolic link for `make_links`.

        Raises:
            StageFailed: It leads out of the folder.
        """
        self._checked(name)
        trouble = name_trouble(link)
        if trouble:
            self._refuse(name, f"the name it links to cannot be: {trouble}")
        if name in self._links:
            self._refuse(name, "it is there twice")
        if escapes(name, link):
            self._refuse(name, f"it is a link to {shown(link)}, which leads out")
        self._links[name] = link

    def make_links(self) -> None:
        """Create the recorded links, after all other entries have been written."""
        for name, link in self._links.items():
            self.place(name).symlink_to(link)

    def place_of(self, name: str) -> Path:
        """Return the path of a file that was unpacked."""
        return self._checked(name)

    def contains(self, name: str) -> bool:
        """Return True if a plain file of this name was unpacked."""
        path = self._checked(name)
        return path.is_file() and not path.is_symlink()

    def _checked(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        bad_here = os.name == "nt" and any(sign in name for sign in "\\:")
        if not name or name.startswith("/") or ".." in parts or "\0" in name or bad_here:
            self._refuse(name, "its name leads out of the folder")
        trouble = name_trouble(name)
        if trouble:
            self._refuse(name, trouble)
        return self.folder.joinpath(*parts)

    def _make(self, path: Path, name: str) -> None:
        if path in self._real:
            return
        self._make(path.parent, name)
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            self._refuse(name, f"{path} is no folder")
        path.mkdir(exist_ok=True)
        self._real.add(path)

    def _refuse(self, name: str, why: str) -> None:
        msg = f"{self._archive} is refused: the entry {shown(name)} is not safe, {why}"
        raise StageFailed(msg)

    def refuse_kind(self, name: str) -> None:
        """Refuse an entry that is not a file, folder or link.

        Raises:
            StageFailed: Always.
        """
        self._refuse(name, "it is neither a file nor a folder nor a link")


def _unpack_tar(archive: Path, target: _Target) -> None:
    with open_tar(archive) as tar:
        for member in tar:
            name = member.name.rstrip("/")
            if member.isdir():
                target.place(name, folder=True)
            elif member.issym():
                target.link(name, member.linkname)
            elif member.islnk() and target.contains(member.linkname):
                target.place(name).hardlink_to(target.place_of(member.linkname))
            elif member.isfile():
                _take_file(tar, member, target.place(name))
            else:
                target.refuse_kind(name)


def _take_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    # Not TarFile.extract: Python 3.11.2 (Debian 12) does not have extraction filters yet.
    content = tar.extractfile(member)
    if content is None:
        msg = f"{member.name} has no content"
        raise tarfile.ReadError(msg)
    with content, path.open("xb") as stream:
        shutil.copyfileobj(content, stream, _BLOCK)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)
    # A header can hold numbers that are not valid times.
    moment = min(max(int(member.mtime), 0), _LATEST)
    os.utime(path, (moment, moment))


def _unpack_zip(archive: Path, target: _Target) -> None:
    allowance = Allowance(archive)
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            allowance.take(info.file_size)
            mode = info.external_attr >> 16
            if info.is_dir():
                target.place(info.filename.rstrip("/"), folder=True)
            elif stat.S_ISLNK(mode):
                target.link(info.filename, _link_of(packed, info))
            elif stat.S_IFMT(mode) in {0, stat.S_IFREG}:
                path = target.place(info.filename)
                with packed.open(info) as content, path.open("xb") as stream:
                    shutil.copyfileobj(content, stream, _BLOCK)
                path.chmod(0o755 if mode & 0o111 else 0o644)
            else:
                target.refuse_kind(info.filename)


def _link_of(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Return the target of a symbolic link, which zip stores as the entry's content."""
    with packed.open(info) as content:
        link = content.read(LONGEST_NAME + 1)
    return link.decode("utf-8", "surrogateescape")
