"""Pages and latest.json beside the releases: uploaded aside, read back, moved into place."""

from __future__ import annotations

import contextlib
import hashlib
import json

from slipway.model.errors import StageFailed
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.outgoing import OutgoingStream, Pointers
from slipway.scripts.releases.pointing import MOST
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.webdav.dav import Dav, Upload, address
from slipway.scripts.stages.publish.targets.webdav.places import aside

__all__ = ["LATEST", "put_pointers", "read_pointer"]

LATEST = "latest.json"
_NOT_FOUND = 404


def put_pointers(dav: Dav, project: str, pointers: Pointers, own: Manifest | None) -> None:
    """Put the pages in place, then latest.json.

    Args:
        dav: The server.
        project: The project's name.
        pointers: What is to be there.
        own: The manifest of the release that is the latest, if it is known.

    Raises:
        StageFailed: The server refuses, or keeps other bytes than it was given.
    """
    for file in pointers.files:
        parts = [plain_name(one, "a part of a page's path") for one in file.name.split("/")]
        for depth in range(1, len(parts)):
            folder = address(project, *parts[:depth])
            dav.make_folder(folder, f"making {folder}")
        headers = {"Content-Length": str(file.size), "Content-Type": file.media_type}
        with OutgoingStream(file) as stream:
            _replace(dav, project, parts, (Upload(stream), headers), (file.size, file.sha256))
    if any(file.name == LATEST for file in pointers.files):
        return
    facts: dict[str, object] = {"version": pointers.latest}
    if own is None:
        path = address(project, plain_name(pointers.latest, "the latest version"), "release.json")
        if dav.size(path, "looking for the latest release") is None:
            return
    else:
        facts |= {"run": own.run, "revision": own.revision}
        facts |= {"local": True} if own.local else {}
    data = (json.dumps(facts, indent=2) + "\n").encode()
    headers = {"Content-Type": "application/json"}
    expected = len(data), hashlib.sha256(data).hexdigest()
    _replace(dav, project, [LATEST], (data, headers), expected)


def read_pointer(dav: Dav, project: str, name: str) -> bytes | None:
    """Return the bytes of a pointer; None: there is none of a pointer's size.

    Args:
        dav: The server.
        project: The project's name.
        name: The pointer's path, such as channels/beta.json.
    """
    parts = [plain_name(one, "a part of a pointer's path") for one in name.split("/")]
    blocks = dav.blocks(address(project, *parts), f"reading {name}", MOST)
    if blocks is None:
        return None
    data = b"".join(blocks)
    return data if len(data) <= MOST else None


def _replace(
    dav: Dav,
    project: str,
    parts: list[str],
    body: tuple[Upload | bytes, dict[str, str]],
    expected: tuple[int, str],
) -> None:
    """Upload a file aside, read it back, and move it into place."""
    part, name = address(project, aside("page")), "/".join(parts)
    what = f"putting {name} in place"
    content, headers = body
    try:
        dav.ask("PUT", part, what, headers=headers, content=content)
        _compare(dav, part, what, expected)
        code = dav.move(part, address(project, *parts), what, _NOT_FOUND, replace=True)
        _refuse_absent(code, what)
    except StageFailed:
        with contextlib.suppress(StageFailed):
            dav.ask("DELETE", part, what, _NOT_FOUND)
        raise


def _refuse_absent(code: int, what: str) -> None:
    if code == _NOT_FOUND:
        # Apache removes the old one first, and does not find it if another publisher did the same.
        msg = f"{what} failed: somebody else has put it in place at the same moment"
        raise TryAgain(msg)


def _compare(dav: Dav, part: str, what: str, expected: tuple[int, str]) -> None:
    size, sha256 = expected
    digest = hashlib.sha256()
    for block in dav.blocks(part, what, size) or ():
        digest.update(block)
    if digest.hexdigest() != sha256:
        msg = f"{dav.url(part)} does not hold what was written"
        raise StageFailed(msg)
