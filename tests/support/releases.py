"""Releases, channels and sites of them, for tests of what is rendered."""

from datetime import UTC, datetime, timedelta

from slipway.scripts.releases.manifest import Artefact, Manifest, Notes, ReleaseFile, StageResult
from slipway.scripts.releases.site.contents import Channel, Move, SiteContents, SiteRelease

AT = datetime(2026, 11, 21, 14, 5, 12, tzinfo=UTC)
NOTES = """## Breaking changes

- **api:** The port is 8020 (`1a2b3c4`)

## Fixed

- Say when the moon is full; see [the almanac](https://example.org/)
"""


def release(number, **changes) -> Manifest:
    facts = {"passed": 110, "failed": 2, "errors": 1, "skipped": 5, "suites": {"a": [1, "b"]}}
    states = ("passed", "failed", "skipped")
    bill = Artefact(
        name="almanac.cdx.json", size=91_000, sha256="ba" * 32, media_type="application/json"
    )
    made = Manifest(
        project="almanac",
        version=f"1.4.0+{number}",
        revision="4f0d2c9e" * 5,
        branch="main",
        subject="Say when the moon is full",
        author="Ann <ann@example.org>",
        run=number,
        committed_at=AT,
        published_at=AT + timedelta(hours=number),
        worker="local",
        artefacts=(bill, Artefact(name="almanac.zip", size=15_234_567, sha256="ab" * 32)),
        pages=(ReleaseFile(name="almanac-freeze.html", size=91_000, sha256="cd" * 32),),
        stages=tuple(
            StageResult(stage=one, state=one, seconds=75, worker="w", summary=one, facts=facts)
            for one in states
        ),
        notes=Notes(since="1.4.0+6", text=NOTES),
    )
    return made.model_copy(update=changes)


def site(*numbers, blocked=(), channels=(), **changes) -> SiteContents:
    releases = [
        SiteRelease(release(one), f"{one:064x}", blocked="It loses data." if one in blocked else "")
        for one in numbers
    ]
    return SiteContents("almanac", tuple(releases), tuple(channels), **changes)


def channel(name, *moves) -> Channel:
    """Return a channel that was moved to runs, an hour after each was released."""
    return Channel(
        name, tuple(Move(f"1.4.0+{one}", AT.timestamp() + 3600 * (one + 1)) for one in moves)
    )
