"""What the site of a project's releases is made of: releases, channels, and what is blocked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from slipway.scripts.releases.manifest import Manifest

__all__ = ["Channel", "Move", "SiteContents", "SiteRelease"]


@dataclass(frozen=True)
class SiteRelease:
    """A release that the site shows."""

    manifest: Manifest
    manifest_sha256: str
    """The hash of its release.json, by which a pointer names it for certain."""
    blocked: str = ""
    """Why it is blocked, for people. Empty: it is not."""

    @property
    def version(self) -> str:
        """Its version."""
        return self.manifest.version


@dataclass(frozen=True)
class Move:
    """One release that reached a channel."""

    version: str
    at: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Channel:
    """A channel: which releases reached it, and when."""

    name: str
    moves: tuple[Move, ...] = ()
    """In the order in which they happened; the last one that is not blocked counts."""


@dataclass(frozen=True)
class SiteContents:
    """All facts that the site is rendered from. The same facts make the same bytes."""

    project: str
    releases: tuple[SiteRelease, ...]
    """All releases that are still there, in any order; none of them twice."""
    channels: tuple[Channel, ...] = ()
    """In the order of pipeline.toml: a release goes from the first to the last."""
    address: str = ""
    """The public address of the project's folder, which ends with a slash. Empty: nobody knows it,
    or it differs from place to place; feeds then have relative links."""
    title: str = ""
    """The project's name for people. Empty: its name."""

    @property
    def name(self) -> str:
        """The project's name for people."""
        return self.title or self.project

    @cached_property
    def newest_first(self) -> tuple[SiteRelease, ...]:
        """All releases, the newest run first; one from a working tree is never newer."""
        return tuple(sorted(self.releases, key=_age, reverse=True))

    @cached_property
    def offered(self) -> tuple[SiteRelease, ...]:
        """The releases that are not blocked, the newest first."""
        return tuple(one for one in self.newest_first if not one.blocked)

    @property
    def latest(self) -> SiteRelease | None:
        """The release that `latest` stands for. None: there is none, or all are blocked."""
        return self.offered[0] if self.offered else None

    @property
    def latest_version(self) -> str:
        """The version that `latest` stands for. Empty: none."""
        return self.latest.version if self.latest else ""

    @cached_property
    def pointed(self) -> dict[str, str]:
        """The version of each channel that points at one."""
        standing = {one.name: self.standing(one) for one in self.channels}
        return {name: move.version for name, move in standing.items() if move is not None}

    @cached_property
    def by_version(self) -> dict[str, SiteRelease]:
        """The releases that are not blocked, by version."""
        return {one.version: one for one in self.offered}

    def standing(self, channel: Channel) -> Move | None:
        """Return the move that counts: the last to a release that is there and not blocked."""
        return next(iter(self.reached(channel)), None)

    def reached(self, channel: Channel) -> list[Move]:
        """Return the newest move of each release that is not blocked, the last move first."""
        found: dict[str, Move] = {}
        for move in reversed(channel.moves):
            if move.version in self.by_version:
                found.setdefault(move.version, move)
        return list(found.values())

    def channels_of(self, version: str) -> list[str]:
        """Return the names of the channels that point at a release."""
        return [name for name, pointed in self.pointed.items() if pointed == version]


def _age(one: SiteRelease) -> tuple[bool, int, float]:
    made = one.manifest
    return not made.local, made.run, made.published_at.timestamp()
