"""Records of releases."""

from __future__ import annotations

from slipway.model.records.base import Record
from slipway.model.records.publication import PublicationRecord
from slipway.model.records.run import OfRun

__all__ = ["Blocked", "ListedRelease", "Published", "ReleaseRecord"]


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


class ListedRelease(ReleaseRecord):
    """A release with all that was decided on it, and what its targets have."""

    publications: list[PublicationRecord]
    """What each target of the stage has of it."""
    channels: list[str]
    """The channels that point at it."""
    blocked: Blocked | None
    """Why nothing deploys, promotes or offers it; null: it is not blocked."""
    pruned_at: float | None
    """When the artefacts of its run were let go, in seconds since 1970; null: they are there."""
