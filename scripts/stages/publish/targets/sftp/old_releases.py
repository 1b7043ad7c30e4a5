"""Find and remove old releases over SFTP."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slipway.model.errors import StageFailed
from slipway.model.retention import PublishedRelease
from slipway.scripts.humanize import plain_name
from slipway.scripts.releases.manifest import MANIFEST
from slipway.scripts.stages.publish.targets.published import LONGEST, published
from slipway.scripts.stages.publish.targets.sftp.client import Refused, SftpClient
from slipway.scripts.stages.publish.targets.sftp.packets import Code
from slipway.scripts.stages.publish.targets.sftp.places import folder_there, read_all
from slipway.scripts.stages.publish.targets.sftp.pointing import LATEST, aside

__all__ = ["releases", "remove_release"]

_DEEPEST = 20


def releases(client: SftpClient, home: str) -> Iterator[PublishedRelease]:
    """Yield the releases in a project's folder that are its own.

    Args:
        client: The session.
        home: The project's folder.
    """
    if not folder_there(client, home):
        return
    for name, found in client.names(home).items():
        path = posixpath.join(home, name, MANIFEST)
        if name.startswith(".") or not found.is_folder:
            continue
        there = client.look(path)
        if there is None or not there.is_file or (there.size or 0) > LONGEST:
            continue
        blocks = read_all(client, client.open(path), there.size or 0)
        one = published(blocks, posixpath.basename(home), name)
        if one is not None:
            yield one


def remove_release(client: SftpClient, home: str, version: str) -> None:
    """Remove a release: by one rename for readers, then file by file. No link is followed.

    Raises:
        StageFailed: `latest` shows that release.
    """
    path = posixpath.join(home, plain_name(version, "the version"))
    latest = posixpath.join(home, LATEST)
    if client.look(latest) and posixpath.basename(client.real_path(latest)) == version:
        msg = f"{latest} shows {version}"
        raise StageFailed(msg)
    if not folder_there(client, path):
        return
    part = posixpath.join(home, aside(version))
    client.rename(path, part)
    _remove(client, part)


def _remove(client: SftpClient, folder: str, depth: int = 0) -> None:
    for name, found in client.names(folder).items():
        path = posixpath.join(folder, name)
        if not found.is_folder:
            client.remove(path)
        elif depth < _DEEPEST:
            _remove(client, path, depth + 1)
    try:
        client.remove_folder(folder)
    except Refused as error:
        if error.code != Code.NO_SUCH_FILE:
            raise
