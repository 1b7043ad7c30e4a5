"""Tell a release of ours at a target by its release.json."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.manifest import Manifest

__all__ = ["LONGEST", "published"]

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
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > LONGEST:
            return None
    try:
        found = Manifest.model_validate_json(bytes(data))
    except (ValidationError, ValueError):
        return None
    if (found.project, found.version) != (project, version):
        return None
    return PublishedRelease(version, found.published_at.timestamp())
