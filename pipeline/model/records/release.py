"""Records of releases."""

from __future__ import annotations

from slipway.model.records.base import Record
from slipway.model.records.run import OfRun

__all__ = ["Blocked", "Published", "ReleaseRecord"]


class Blocked(Record):
    """The reason and author of a block: nothing deploys, promotes or offers the release."""

    reason: str
    person: str
    at: float
    """Seconds since 1970."""


class Published(Record):
    """The publication of a release."""

    manifest_sha256: str
    published_at: float
    """Seconds since 1970."""


class ReleaseRecord(OfRun, Published):
    """A release that `publish` made of a run."""

    id: int
    author: str
    """The author of the commit."""
    place: str
    """The folder or URL of the release."""
