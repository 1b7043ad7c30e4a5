"""Maintain the index of a project's releases: `latest` and the list of all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from filelock import FileLock

from slipway.model.errors import WrongInput
from slipway.scripts import removal
from slipway.scripts.atomic_files import sync_folder, written_aside
from slipway.scripts.humanize import plain_name
from slipway.scripts.opened_files import open_plain
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST, Manifest
from slipway.scripts.releases.outgoing import OutgoingStream, Pointers
from slipway.scripts.releases.pointing import MOST, Order, compare_latest
from slipway.scripts.releases.site.contents import SiteContents, SiteRelease
from slipway.scripts.releases.site.documents import LATEST as LATEST_FILE
from slipway.scripts.releases.site.rendering import render_site
from slipway.scripts.report import hash_file

__all__ = [
    "LATEST",
    "Signs",
    "forget",
    "locked",
    "point",
    "point_at",
    "point_to",
    "read_pointer",
    "releases",
]

LATEST = "latest"
_PATIENCE = 300


class Signs(Protocol):
    """Who signs a release, and what points at it."""

    def release(self, folder: Path, manifest: Manifest) -> Manifest:
        """Sign the release in a folder, write its manifest, and return it."""
        ...

    def site(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files beside releases, by their path, with what points at them signed."""
        ...


@contextlib.contextmanager
def locked(project: Path) -> Iterator[None]:
    """Lock the project against other publishers; the lock of a killed one is released."""
    with FileLock(project / ".lock", timeout=_PATIENCE):
        yield


def releases(project: Path) -> list[Manifest]:
    """Return the project's readable releases, the newest run first."""
    found = []
    for path in project.glob(f"[!.]*/{MANIFEST}"):
        if path.parent.is_symlink():
            continue
        with contextlib.suppress(WrongInput):
            found.append(manifests.read(path))
    # A release from a working tree is never newer than a site's.
    return sorted(found, key=lambda one: (not one.local, one.run, one.published_at), reverse=True)


def point_at(project: Path, release: Manifest, sign: Signs | None = None) -> bool:
    """Point `latest` at the newest release, and update the pages and feeds of all.

    `latest` never goes back: it stays if it points at a later run.

    Args:
        project: The project's folder, locked.
        release: The release that has just been published.
        sign: Signs latest.json. None: it stays unsigned.

    Returns:
        True if this release is the latest.
    """
    listed = releases(project)
    newest, current = listed[0], _latest(project)
    run, version = current.get("run"), str(current.get("version", ""))
    # A later release may be temporarily unreadable, and so missing in the list.
    behind = (
        isinstance(run, int)
        and (not current.get("local"), run) > (not newest.local, newest.run)
        and (project / version).is_dir()
    )
    files = _rendered(project, listed)
    if sign is not None:
        files = sign.site(files)
    elif newest.key and version == newest.version:
        # What is signed stays, where nobody signs: another release is not the newest.
        files = {path: data for path, data in files.items() if not path.endswith(".json")}
    if behind:
        files.pop(LATEST_FILE, None)
        _write(project, files)
        sync_folder(project)
        return version == release.version
    point_to(project, files, newest.version)
    return newest.version == release.version


def point(project: Path, pointers: Pointers) -> None:
    """Write pages, feeds and pointers that were rendered elsewhere, and the link `latest`.

    Args:
        project: The project's folder, locked.
        pointers: What to write; its files replace those of the same path. Nothing is written where
            a later latest.json lies: a publish that took longer must not undo what came after.
    """
    if compare_latest(read_pointer(project, LATEST_FILE), pointers) is Order.NEWER:
        return
    for file in pointers.files:
        with OutgoingStream(file) as stream, _replaced(project, file.name) as written:
            shutil.copyfileobj(stream, written)
    _link_latest(project, pointers.latest)


def point_to(project: Path, files: Mapping[str, bytes], latest: str) -> None:
    """Write pages, feeds and pointers, and the link `latest`.

    Args:
        project: The project's folder, locked.
        files: The bytes of each file, by its path.
        latest: The version that `latest` stands for. Empty: none.
    """
    _write(project, files)
    _link_latest(project, latest)


def _link_latest(project: Path, version: str) -> None:
    if version and (project / version).is_dir():
        _link(project, version)
    else:
        with contextlib.suppress(OSError):
            (project / LATEST).unlink()
    sync_folder(project)


@contextlib.contextmanager
def _replaced(project: Path, path: str) -> Iterator[BinaryIO]:
    *folders, name = (plain_name(part, "the name") for part in path.split("/"))
    folder = project.joinpath(*folders)
    folder.mkdir(exist_ok=True)
    with written_aside(folder / name) as stream:
        yield stream


def _rendered(project: Path, listed: list[Manifest]) -> dict[str, bytes]:
    """Return the files beside the releases of a folder that no site tells anything of."""
    found = tuple(
        SiteRelease(one, hash_file(project / one.version / MANIFEST))
        for one in listed
        if (project / one.version / MANIFEST).is_file()
    )
    return render_site(SiteContents(listed[0].project, found))


def _write(project: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        with _replaced(project, path) as stream:
            stream.write(data)


def forget(project: Path, version: str) -> None:
    """Delete a release, by one atomic rename for readers, and update the list of releases.

    Args:
        project: The project's folder.
        version: The release's folder in it; not the latest.

    Raises:
        OSError: A part of it cannot be deleted.
    """
    part = project / f".{version}.{secrets.token_hex(8)}.part"
    with locked(project):
        (project / version).rename(part)
        listed = releases(project)
        # Those of a site know of channels and blocks; whoever has its ledger writes them anew.
        if listed and all(one.local for one in listed):
            pages = _rendered(project, listed)
            # What programs read may be signed; the site's owner writes it anew.
            _write(project, {one: pages[one] for one in pages if not one.endswith(".json")})
    # Untrusted contents: the publisher may have put anything there, and may be another user.
    if problems := removal.remove(part):
        raise OSError(errno.EPERM, problems[0])


def read_pointer(project: Path, name: str) -> bytes | None:
    """Return the bytes of a pointer beside the releases; None: there is none to be read.

    Args:
        project: The project's folder.
        name: The pointer's path, such as channels/beta.json.
    """
    parts = tuple(plain_name(part, "the pointer") for part in name.split("/"))
    try:
        with os.fdopen(open_plain(project, parts), "rb") as stream:
            data = stream.read(MOST + 1)
    except OSError:
        return None
    return data if len(data) <= MOST else None


def _latest(project: Path) -> dict[str, object]:
    try:
        facts = json.loads(read_pointer(project, LATEST_FILE) or b"")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _link(project: Path, version: str) -> None:
    """Replace the symbolic link atomically; latest.json serves where links are not allowed."""
    part = project / f".{LATEST}.{secrets.token_hex(8)}.part"
    try:
        part.symlink_to(version, target_is_directory=True)
        part.replace(project / LATEST)
    except (OSError, NotImplementedError):
        with contextlib.suppress(OSError):
            part.unlink()
