"""Read what a target says of a release that is public there; it may be anything."""

from __future__ import annotations

import json
from datetime import datetime

from slipway.model.retention import PublishedRelease

__all__ = ["moment", "published_release"]


def published_release(data: bytes, project: str, version: str) -> PublishedRelease | None:
    """Return the release of a release.json; None if it is not that of this project and version.

    Args:
        data: The bytes of release.json, as a target has them.
        project: The project's name.
        version: The version whose folder it is in.
    """
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict):
        return None
    if (facts.get("project"), facts.get("version")) != (project, version):
        return None
    return PublishedRelease(version, moment(facts.get("published_at")))


def moment(text: object) -> float | None:
    """Return a time as seconds since 1970; None if it is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return None
