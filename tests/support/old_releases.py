"""What each kind of target that can remove releases must hold."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from slipway.model.retention import KeepReleases
from slipway.scripts.releases.outgoing import OutgoingRelease
from tests.support.release_targets import Place, Told, bring, content

_NOBODY = "nothing is removed from there: nobody has said what is still needed"


def check_old_releases_are_removed(place: Place) -> None:
    """What `keep` lets go is removed, whole; what is protected, new or of nobody stays."""
    versions = [f"6.{number}.0" for number in range(6)]
    releases = [dated(place.release(version), number) for number, version in enumerate(versions)]
    for release in releases[:5]:
        bring(place, release)
    before = {one.version: dict(place.readers_see(one.version)) for one in releases[:5]}
    keep = KeepReleases(latest=2)
    assert _removals(bring(place, releases[0], keep=keep)[1]) == [_NOBODY]
    protected = frozenset({"6.1.0", "0.1.0"})
    told = bring(place, releases[5], keep=keep, protected=protected)[1]
    assert _removals(told) == [
        f"6.{number}.0 was removed from there, as its keep says" for number in (0, 2, 3)
    ]
    for version in versions:
        stays = version in {"6.1.0", "6.4.0", "6.5.0"}
        expected = before.get(version, content(releases[5])) if stays else {}
        assert dict(place.readers_see(version)) == expected, version
    told = bring(place, releases[5], keep=keep, protected=frozenset())[1]
    assert _removals(told) == ["6.1.0 was removed from there, as its keep says"]


def _removals(told: Told) -> list[str]:
    return [one for one in told.notices() if "removed" in one]


def dated(release: OutgoingRelease, day: int) -> OutgoingRelease:
    """Return a release that was published on another day; its release.json says so, too."""
    at = release.manifest.published_at + timedelta(days=day)
    manifest = release.manifest.model_copy(update={"published_at": at})
    *others, last = release.files
    data = manifest.text().encode()
    last.path.write_bytes(data)
    changed = replace(last, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    return OutgoingRelease(manifest, (*others, changed))
