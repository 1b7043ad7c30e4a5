"""Tell a release of ours at a target by its release.json."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pydantic import ValidationError

from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.manifest import Manifest

__all__ = ["LONGEST", "published", "told_by"]

#: Largest release.json that is read into memory.
LONGEST = 8_000_000


def published(blocks: Iterable[bytes], project: str, version: str) -> PublishedRelease | None:
    """Return the release that a release.json describes.

    Args:
        blocks: The bytes of the file.
        project: The project's name.
        version: The name of the folder it lies in.

    Returns:
        None: it is not of this project, or not of this version, or no release.json at all.
    """
    found = told_by(blocks, project)
    return found if found is not None and found.version == version else None


def told_by(
    blocks: Iterable[bytes], project: str, sha256: str | None = None
) -> PublishedRelease | None:
    """Return the release that a release.json describes, whatever its version is.

    Args:
        blocks: The bytes of the file.
        project: The project's name.
        sha256: The hash that the file must have. None: any.

    Returns:
        None: it is not of this project, has another hash, or is no release.json at all.
    """
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > LONGEST:
            return None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        return None
    try:
        found = Manifest.model_validate_json(bytes(data))
    except (ValidationError, ValueError):
        return None
    if found.project != project:
        return None
    return PublishedRelease(found.version, found.published_at.timestamp())
