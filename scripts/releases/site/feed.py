"""Write Atom feeds (RFC 4287) of a project's releases."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup

from slipway.html import templates
from slipway.scripts.humanize import count_text, size_text, utc
from slipway.scripts.releases.manifest import PAGE, Artefact, Manifest
from slipway.scripts.releases.site.contents import Channel, SiteContents
from slipway.scripts.releases.site.notes import notes_html
from slipway.scripts.releases.site.pages import FEED, channel_feed

__all__ = ["MOST_ENTRIES", "feed_text"]

#: Entries of a feed; releases.json lists all.
MOST_ENTRIES = 50
_ROOM = "slipway.scripts.releases.site"
#: Names of feeds and entries are made in it; it never changes.
_NAMESPACE = uuid.UUID("5b0f6a86-0f0f-5d3c-9a43-0f6a5b7c1e11")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
#: The time of a feed in which nothing has ever been.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Enclosure:
    address: str
    file: Artefact

    @property
    def type(self) -> str:
        """Its media type; whoever made the file may have said anything."""
        said = self.file.media_type
        return said if _MEDIA_TYPE.fullmatch(said) else "application/octet-stream"


@dataclass(frozen=True)
class _Entry:
    release: Manifest
    updated: datetime
    """When it was published, or reached the channel."""
    id: str
    page: str
    author: str
    content: Markup
    enclosures: Sequence[_Enclosure]


def feed_text(contents: SiteContents, channel: Channel | None = None) -> str:
    """Return a feed: of all releases that are not blocked, or of those that reached a channel.

    Ids are made of names that never change, not of addresses: a feed that moves to another server,
    or is read from a copy, shows nobody the same release twice.
    """
    above = "../" if channel else "./"
    if channel is None:
        seen = [(one.manifest, one.manifest.published_at) for one in contents.offered]
    else:
        reached = contents.reached(channel)
        seen = [(contents.by_version[one.version].manifest, utc(one.at)) for one in reached]
    entries = [
        _entry(contents, made, at, contents.address or above) for made, at in seen[:MOST_ENTRIES]
    ]
    path = channel_feed(channel.name) if channel else FEED
    own = contents.address + path if contents.address else "./" + path.rpartition("/")[2]
    name = channel.name if channel else ""
    return templates.render(
        f"{_ROOM}/feed.xml.j2",
        title=f"{contents.name} {name}".strip() + ": releases",
        id=_urn("feed", contents.project, name),
        updated=_stamp(max((one.updated for one in entries), default=_NEVER)),
        own=own,
        index=(contents.address or above) + PAGE,
        author=contents.name,
        entries=entries,
        stamp=_stamp,
        count_text=count_text,
        size_text=size_text,
    )


def _entry(contents: SiteContents, made: Manifest, at: datetime, base: str) -> _Entry:
    folder = base + quote(made.version) + "/"
    return _Entry(
        release=made,
        updated=at,
        id=_urn("release", made.project, made.version, made.revision, str(made.run)),
        page=folder + PAGE,
        author=made.author.partition(" <")[0].strip() or contents.name,
        content=notes_html(made.notes.text) if made.notes else Markup(),
        enclosures=[_Enclosure(folder + quote(one.name), one) for one in made.artefacts],
    )


def _urn(*names: str) -> str:
    # Lengths, so that no two lists of names make the same text.
    text = "".join(f"{len(name)}:{name}" for name in names)
    return uuid.uuid5(_NAMESPACE, text).urn


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
