"""Find out whether a folder at a WebDAV server can be published to."""

from __future__ import annotations

import contextlib
from http import HTTPStatus

from slipway.model.errors import StageFailed
from slipway.scripts.stages.publish.targets.webdav.dav import Dav
from slipway.scripts.stages.publish.targets.webdav.places import aside

__all__ = ["check_folder", "try_rights"]

_PROBE = b"Slipway looks whether it may write here.\n"


def check_folder(dav: Dav) -> int | None:
    """Check the login and the folder.

    Returns:
        The bytes that may be written there; None: the server does not say.

    Raises:
        StageFailed: The login is refused, or there is no such folder.
    """
    found = dav.entries("", 0, "looking at the folder")
    if found is None and dav.lists:
        msg = f"there is no folder {dav.url('')}; make it there, or correct url"
        raise StageFailed(msg)
    return found[0][0].room if found is not None and found[0] else None


def try_rights(dav: Dav) -> None:
    """Make a hidden folder with a file, move it and remove it.

    Raises:
        StageFailed: Something of that is refused.
    """
    one, other = aside("check"), aside("check")
    made = dav.ask("MKCOL", f"{one}/", "making a folder", HTTPStatus.CONFLICT)
    if made == HTTPStatus.CONFLICT:
        msg = f"there is no folder {dav.url('')}; make it there, or correct url"
        raise StageFailed(msg)
    try:
        dav.ask("PUT", f"{one}/probe.txt", "uploading a file", content=_PROBE)
        dav.move(f"{one}/", f"{other}/", "moving a folder")
        _compare(dav, f"{other}/probe.txt")
    except StageFailed:
        for folder in (one, other):
            with contextlib.suppress(StageFailed):
                dav.ask("DELETE", f"{folder}/", "removing a folder", HTTPStatus.NOT_FOUND)
        raise
    dav.ask("DELETE", f"{other}/", "removing a folder")


def _compare(dav: Dav, path: str) -> None:
    blocks = dav.blocks(path, "reading a file", len(_PROBE))
    if b"".join(blocks or ()) != _PROBE:
        msg = f"{dav.url('')}: what was uploaded there is not what is read there"
        raise StageFailed(msg)
