"""Find and remove old releases over WebDAV."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from slipway.model.errors import StageFailed
from slipway.model.retention import PublishedRelease
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.stages.publish.targets.published import LONGEST, published
from slipway.scripts.stages.publish.targets.webdav.dav import Dav, address
from slipway.scripts.stages.publish.targets.webdav.places import aside, inside
from slipway.scripts.stages.publish.targets.webdav.pointing import LATEST

__all__ = ["releases", "remove_release"]

_NOT_FOUND = 404
_LONGEST_POINTER = 10_000


def releases(dav: Dav, project: str) -> Iterator[PublishedRelease]:
    """Yield the releases in a project's folder that are its own.

    Raises:
        StageFailed: The server does not list folders.
    """
    found = inside(dav, address(project))
    if not dav.lists:
        msg = (
            f"{dav.url(address(project))}: the server lists no folders, so no old release is found"
        )
        raise StageFailed(msg)
    for one in found:
        if one.is_folder and one.name and not one.name.startswith("."):
            path = address(project, one.name, MANIFEST)
            blocks = dav.blocks(path, "reading a release.json", LONGEST)
            release = published(blocks, project, one.name) if blocks is not None else None
            if release is not None:
                yield release


def remove_release(dav: Dav, project: str, version: str) -> None:
    """Remove a release: moved aside for readers first.

    Raises:
        StageFailed: latest.json names that release, or the server refuses.
    """
    what = f"removing {version}"
    if _latest(dav, project) == version:
        msg = f"{dav.url(address(project, LATEST))} shows {version}"
        raise StageFailed(msg)
    part = address(project, aside(version))
    path = address(project, plain_name(version, "the version"))
    if dav.move(f"{path}/", f"{part}/", what, _NOT_FOUND) != _NOT_FOUND:
        dav.ask("DELETE", f"{part}/", what, _NOT_FOUND)


def _latest(dav: Dav, project: str) -> object:
    what = f"reading {LATEST}"
    blocks = dav.blocks(address(project, LATEST), what, _LONGEST_POINTER)
    with contextlib.suppress(ValueError):
        facts = json.loads(b"".join(blocks or ()))
        return facts.get("version") if isinstance(facts, dict) else None
    return None
