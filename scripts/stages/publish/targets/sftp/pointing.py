"""Put pages and `latest` beside the releases: written aside, read back, replaced in one step."""

from __future__ import annotations

import contextlib
import hashlib
import json
import posixpath
import secrets

from slipway.model.errors import StageFailed
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.outgoing import OutgoingStream, Pointers
from slipway.scripts.releases.pointing import MOST
from slipway.scripts.stages.publish.targets.sftp.client import Blocks, Refused, SftpClient
from slipway.scripts.stages.publish.targets.sftp.packets import Code
from slipway.scripts.stages.publish.targets.sftp.places import folder_there, read_all

__all__ = ["LATEST", "aside", "put_pointers", "read_pointer"]

LATEST = "latest"


def aside(name: str) -> str:
    """Return a hidden name that nobody else uses."""
    return f".{name}.{secrets.token_hex(8)}.part"


def put_pointers(client: SftpClient, home: str, pointers: Pointers, own: Manifest | None) -> None:
    """Put the pages in place, then latest.json, then the link `latest`.

    Args:
        client: The session.
        home: The project's folder.
        pointers: What is to be there.
        own: The manifest of the release that `latest` is to stand for, if it is known.

    Raises:
        StageFailed: The server refuses, or keeps other bytes than it was given.
    """
    for file in pointers.files:
        path = home
        for name in (parts := _parts(file.name))[:-1]:
            path = posixpath.join(path, name)
            if not folder_there(client, path):
                client.make_folder(path)
        with OutgoingStream(file) as stream:
            _replace(client, path, parts[-1], stream, file.size, file.sha256)
    if not folder_there(client, posixpath.join(home, pointers.latest)):
        return
    if not any(one.name == f"{LATEST}.json" for one in pointers.files):
        _put_latest(client, home, pointers.latest, own)
    _link(client, home, pointers.latest)


def read_pointer(client: SftpClient, home: str, name: str) -> bytes | None:
    """Return the bytes of a pointer; None: there is none of a pointer's size.

    Args:
        client: The session.
        home: The project's folder.
        name: The pointer's path in it, such as channels/beta.json.
    """
    path = posixpath.join(home, *_parts(name))
    there = client.look(path)
    if there is None or not there.is_file or (there.size or 0) > MOST:
        return None
    try:
        data = b"".join(read_all(client, client.open(path), there.size or 0))
    except Refused as error:
        # It is replaced by a rename: between the two steps it may be another file, or none.
        if error.code == Code.NO_SUCH_FILE:
            return None
        raise
    return data if len(data) <= MOST else None


def _parts(name: str) -> list[str]:
    """Return the parts of a page's path, each a plain name."""
    return [plain_name(one, "a part of a page's path") for one in name.split("/")]


class _Text:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, count: int = -1, /) -> bytes:
        """Return the next bytes."""
        given, self._data = self._data[:count], self._data[count:]
        return given


def _put_latest(client: SftpClient, home: str, version: str, own: Manifest | None) -> None:
    facts: dict[str, object] = {"version": version}
    if own is not None:
        facts |= {"run": own.run, "revision": own.revision}
        facts |= {"local": True} if own.local else {}
    data = (json.dumps(facts, indent=2) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    _replace(client, home, f"{LATEST}.json", _Text(data), len(data), digest)


def _replace(
    client: SftpClient, folder: str, name: str, blocks: Blocks, size: int, sha256: str
) -> None:
    """Write a file aside, read it back, and put it in place in one step."""
    part = posixpath.join(folder, aside(name))
    handle = client.create(part)
    try:
        try:
            client.write(handle, 0, blocks)
            client.sync(handle)
        finally:
            client.close(handle)
        _compare(client, part, size, sha256)
        client.replace(part, posixpath.join(folder, name))
    except (Refused, StageFailed):
        with contextlib.suppress(Refused):
            client.remove(part)
        raise


def _compare(client: SftpClient, part: str, size: int, sha256: str) -> None:
    digest = hashlib.sha256()
    for block in read_all(client, client.open(part), size):
        digest.update(block)
    if digest.hexdigest() != sha256:
        msg = f"{part} does not hold what was written"
        raise StageFailed(msg)


def _link(client: SftpClient, home: str, version: str) -> None:
    """Replace the symbolic link in one step; latest.json serves where links are not allowed."""
    part = posixpath.join(home, aside(LATEST))
    try:
        client.link(part, version)
    except Refused:
        return
    try:
        client.replace(part, posixpath.join(home, LATEST))
    except Refused:
        client.remove(part)
        raise
