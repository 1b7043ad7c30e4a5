"""Maintain the index of a project's releases: `latest` and the list of all."""

from __future__ import annotations

import contextlib
import errno
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from slipway.model.errors import WrongInput
from slipway.scripts import removal
from slipway.scripts.atomic_files import sync_folder, write_text
from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import MANIFEST, PAGE, Manifest
from slipway.scripts.stages.publish.page import project_page

__all__ = ["LATEST", "forget", "locked", "point_at", "releases"]

LATEST = "latest"
_PATIENCE = 300


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


def point_at(project: Path, release: Manifest) -> bool:
    """Point `latest` at the newest release, and update the list of releases.

    `latest` never goes back: it stays if it points at a later run.

    Args:
        project: The project's folder, locked.
        release: The release that has just been published.

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
    if not behind:
        version = newest.version
        facts = {"version": version, "run": newest.run, "revision": newest.revision}
        facts |= {"local": True} if newest.local else {}
        write_text(project / f"{LATEST}.json", json.dumps(facts, indent=2) + "\n")
        _link(project, version)
    write_text(project / PAGE, project_page(listed, version))
    sync_folder(project)
    return version == release.version


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
        if listed := releases(project):
            page = project_page(listed, str(_latest(project).get("version", "")))
            write_text(project / PAGE, page)
    # Untrusted contents: the publisher may have put anything there, and may be another user.
    if problems := removal.remove(part):
        raise OSError(errno.EPERM, problems[0])


def _latest(project: Path) -> dict[str, object]:
    try:
        facts = json.loads((project / f"{LATEST}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
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
