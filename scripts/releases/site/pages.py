"""Render the page of a release and the index of a project's releases, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.html import templates
from slipway.model.duration import format_duration
from slipway.scripts.humanize import count_text, size_text, utc
from slipway.scripts.releases.manifest import KEYS, MANIFEST, PAGE, SUMS, Manifest, ReleaseFile
from slipway.scripts.releases.site.contents import Channel, SiteContents, SiteRelease
from slipway.scripts.releases.site.framed import FREEZE_REPORT
from slipway.scripts.releases.site.notes import notes_html

__all__ = ["FEED", "channel_feed", "channel_file", "index_page", "release_page"]

FEED = "feed.xml"
_ROOM = "slipway.scripts.releases.site"
_CHANNELS = "channels"
#: The counts in a stage's facts, each with its colour and its word.
_COUNTS = (
    ("passed", "passed", "passed"),
    ("failed", "failed", "failed"),
    ("errors", "failed", "broken"),
    ("skipped", "other", "skipped"),
)
_BILLS = (".cdx.json", ".spdx.json")
#: What a file is, by the end of its name.
_KINDS = (
    (".cdx.json", "bill of materials, CycloneDX"),
    (".spdx.json", "bill of materials, SPDX"),
    (FREEZE_REPORT, "freeze report: what the program holds, and why"),
    (".intoto.jsonl", "provenance, signed"),
    (".sigstore.json", "provenance, signed by Sigstore"),
    (".dsse.json", "provenance, signed"),
    (".asc", "OpenPGP signature"),
    (".sig", "signature"),
    (".pub", "public key"),
    (KEYS, "the public keys that this site signs with"),
)
_MINUTE = 60


@dataclass(frozen=True)
class _Count:
    number: int
    kind: str
    word: str


@dataclass(frozen=True)
class _Tested:
    """A stage that counted tests or scenarios."""

    stage: str
    seconds: float
    counts: tuple[_Count, ...]


@dataclass(frozen=True)
class _ChannelRow:
    """A channel in the index."""

    name: str
    version: str
    moved_at: datetime | None
    feed_title: str
    feed_path: tuple[str, ...]


def channel_file(name: str) -> str:
    """Return the path of a channel's pointer, from the project's folder."""
    return f"{_CHANNELS}/{name}.json"


def channel_feed(name: str) -> str:
    """Return the path of a channel's feed, from the project's folder."""
    return f"{_CHANNELS}/{name}.xml"


def release_page(release: Manifest, proofs: Sequence[str] = ()) -> str:
    """Render the page of one release, which is a file of the release and never changes.

    Args:
        release: The release.
        proofs: Names of files beside release.json that it does not list, such as signatures.
    """
    return templates.render(
        f"{_ROOM}/release.html.j2",
        release=release,
        notes=notes_html(release.notes.text) if release.notes else None,
        downloads=[one for one in release.artefacts if not _is_bill(one)] or release.artefacts,
        reports=_reports(release, proofs),
        tested=list(_tested(release)),
        proofs=proofs,
        manifest=MANIFEST,
        signature=f"{SUMS}.asc",
        sums=SUMS,
        size_text=size_text,
        what=_what,
        length=_length,
        kind=_kind,
        flat=_flat,
    )


def index_page(contents: SiteContents) -> str:
    """Render the index of a project's releases: channels, and all releases, the newest first."""
    return templates.render(
        f"{_ROOM}/index.html.j2",
        contents=contents,
        channels=[_channel_row(contents, one) for one in contents.channels],
        marks={one.version: contents.channels_of(one.version) for one in contents.offered},
        changes=_changes,
        page=PAGE,
        count_text=count_text,
        size_text=size_text,
    )


def _channel_row(contents: SiteContents, channel: Channel) -> _ChannelRow:
    standing = contents.standing(channel)
    return _ChannelRow(
        name=channel.name,
        version=standing.version if standing else "",
        moved_at=utc(standing.at) if standing else None,
        feed_title=f"Feed of {channel.name}",
        feed_path=tuple(channel_feed(channel.name).split("/")),
    )


def _changes(release: SiteRelease) -> str:
    """Return how much has changed, in a few words; empty if nobody knows."""
    notes = release.manifest.notes
    count = sum(line.startswith("- ") for line in notes.text.split("\n")) if notes else 0
    if notes is None or not count:
        return ""
    return count_text(count, "change") + (f" since {notes.since}" if notes.since else "")


def _is_bill(one: ReleaseFile) -> bool:
    return one.name.endswith(_BILLS)


def _reports(release: Manifest, proofs: Sequence[str]) -> list[tuple[str, ReleaseFile | None]]:
    """Return the bills of materials, reports and signatures, each with its hash if it is listed."""
    bills = [one for one in release.artefacts if _is_bill(one)]
    pages = [one for one in release.pages if one.name != PAGE]
    listed: dict[str, ReleaseFile | None] = {one.name: one for one in (*bills, *pages)}
    return [*listed.items(), *((name, None) for name in proofs if name not in listed)]


def _what(name: str) -> str:
    return next((what for ending, what in _KINDS if name.endswith(ending)), "")


def _tested(release: Manifest) -> Iterator[_Tested]:
    for stage in release.stages:
        counts = tuple(
            _Count(stage.facts[key], kind, word)
            for key, kind, word in _COUNTS
            if isinstance(stage.facts.get(key), int) and stage.facts[key] > 0
        )
        if counts:
            yield _Tested(stage.stage, stage.seconds, counts)


def _kind(state: str) -> str:
    return state if state in {"passed", "failed"} else "other"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested facts as flat labels with values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} / {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} / {number}")
    elif isinstance(value, list):
        yield path, ", ".join(str(one) for one in value) or "none"
    else:
        yield path, value


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _MINUTE else format_duration(round(seconds))
