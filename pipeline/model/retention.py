"""Which old releases a target need not keep any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydantic import Field

from slipway.model.base import Part
from slipway.model.duration import Duration

__all__ = ["KeepReleases", "PublishedRelease", "removable"]


class KeepReleases(Part):
    """How long a target keeps releases. What is still needed stays, however old it is."""

    latest: int = Field(default=10, ge=1)
    """So many of the newest releases stay, however old they are."""
    age: Duration | None = None
    """Releases younger than this stay, however many they are."""


@dataclass(frozen=True)
class PublishedRelease:
    """A release that readers see at a target."""

    version: str
    published_at: float | None
    """Seconds since 1970. None: the target does not tell; then it stays."""


def removable(
    published: Iterable[PublishedRelease],
    keep: KeepReleases,
    protected: Collection[str],
    now: float,
) -> list[str]:
    """Return the versions that a target may remove, the oldest first.

    Args:
        published: What is there.
        keep: What the target's settings say.
        protected: Versions that stay: what environments run, channels point at, people look into.
        now: Seconds since 1970.
    """
    dated = [(one.published_at, one.version) for one in published if one.published_at is not None]
    oldest_first = sorted(dated)
    old = oldest_first[: -keep.latest]
    return [
        version
        for at, version in old
        if version not in protected and (keep.age is None or at <= now - keep.age)
    ]
