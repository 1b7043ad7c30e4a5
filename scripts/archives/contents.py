"""Contents of one archive: frozen programs and files, merged in name order.

A frozen program is streamed out of its tar.zst while the archive is written: extracting thousands
of small files to disk first would cost more than the packing.
"""

from __future__ import annotations

import heapq
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input
from slipway.scripts.archives.entries import Entry, entry_of, escapes
from slipway.scripts.archives.limits import name_trouble, shown
from slipway.scripts.archives.tar_zst import explain_damage, open_tar
from slipway.scripts.humanize import plain_name

__all__ = ["Parcel"]


@dataclass(frozen=True)
class Parcel:
    """The contents and the formats of one archive."""

    root: str
    """The archive's single top folder."""
    name: str
    """The archive's file name without its suffix."""
    formats: tuple[str, ...]
    frozen: tuple[Input, ...]
    files: tuple[Input, ...]

    def entries(self) -> Iterator[Entry]:
        """Yield all entries of the archive, sorted by name.

        The content of a file is readable only until the next entry is requested.

        Raises:
            StageFailed: An input is damaged, empty or unsafe, or two inputs conflict.
        """
        frozen = (_frozen(Path(one.path), self.root) for one in self.frozen)
        merged = heapq.merge(*frozen, self._files(), key=lambda entry: entry.name)
        return _checked(merged)

    def _files(self) -> list[Entry]:
        found = {self.root: Entry(Path(self.root), self.root, "folder")}
        for one in self.files:
            inside = "databases" if one.uses == "databases" else one.stage
            folder = f"{self.root}/{inside}"
            found[folder] = Entry(Path(inside), folder, "folder")
            name = f"{folder}/{plain_name(one.name, _whose(one))}"
            if name in found:
                msg = (
                    f'the file {inside}/{one.name} is there twice, the second from "{one.stage}"; '
                    "rename one, or list it in pass-on"
                )
                raise StageFailed(msg)
            found[name] = entry_of(Path(one.path), name)
        return sorted(found.values(), key=lambda entry: entry.name)


def _whose(one: Input) -> str:
    return f'an artefact of stage "{one.stage}"'


def _frozen(archive: Path, root: str) -> Iterator[Entry]:
    """Yield the entries of a frozen program from its tar.zst."""
    files = 0
    with explain_damage(archive), open_tar(archive) as tar:
        for member in tar:
            entry = _entry(tar, member, archive, root)
            files += entry.kind == "file"
            yield entry
    if not files:
        msg = f"nothing is in {archive.name}: the freeze stage left an empty tree"
        raise StageFailed(msg)


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, root: str) -> Entry:
    name, path = f"{root}/{member.name}", archive / member.name
    trouble = name_trouble(name) or (name_trouble(member.linkname) if member.issym() else "")
    if trouble:
        _refuse(archive / shown(member.name), trouble)
    if member.isdir():
        return Entry(path, name, "folder")
    if member.issym() and not escapes(member.name, member.linkname):
        return Entry(path, name, "link", link=member.linkname)
    if not member.isreg():
        _refuse(path, "it is neither a file nor a folder, nor a link that stays inside")

    def content() -> IO[bytes]:
        opened = tar.extractfile(member)
        if opened is None:
            msg = f"{member.name} has no content"
            raise tarfile.ReadError(msg)
        return opened

    return Entry(path, name, "file", bool(member.mode & 0o100), member.size, content=content)


def _checked(merged: Iterable[Entry]) -> Iterator[Entry]:
    """Yield valid entries: unique names in sorted order, each below a folder that came before.

    Raises:
        StageFailed: Two entries conflict, or an entry is out of order.
    """
    folders = {""}
    last = Entry(Path(), "", "folder")
    for entry in merged:
        if entry.name == last.name and entry.kind == last.kind == "folder":
            continue
        if entry.name == last.name:
            _refuse(entry.path, f"{entry.name} is there twice; rename one of the two")
        if entry.name < last.name:
            _refuse(entry.path, "it is not in the order of the names; re-run the freeze stage")
        parent, _, child = entry.name.rpartition("/")
        if parent not in folders or child in {"", ".", ".."}:
            _refuse(entry.path, f"{parent} is no folder in it; re-run the freeze stage")
        if entry.kind == "folder":
            folders.add(entry.name)
        last = entry
        yield entry


def _refuse(path: Path, why: str) -> None:
    msg = f"{path} cannot be packed: {why}"
    raise StageFailed(msg)
