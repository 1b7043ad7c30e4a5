"""Old releases in a bucket go as `keep` says: nobody finds half of one, wherever it is cut."""

import json

import pytest

from slipway.model.errors import StageFailed
from slipway.model.retention import PublishedRelease
from slipway.scripts.releases.outgoing import OutgoingRelease
from tests.support.old_releases import check_old_releases_are_removed, dated
from tests.support.release_targets import bring


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["site", "strict"])
def test_old_releases_go_as_keep_says(request, kind):
    site = request.getfixturevalue(kind)
    check_old_releases_are_removed(site.place())
    assert site.stored("6.0.0") == {}


def two(site) -> list[OutgoingRelease]:
    place = site.place()
    place.files = {"a.zip": b"a", "removed.json": b"a file of the release"}
    releases = [dated(place.release(f"1.{number}.0"), number) for number in range(2)]
    for release in releases:
        bring(place, release)
    return releases


@pytest.mark.parametrize("failing", range(7))
def test_a_removal_that_was_cut_shows_nothing_and_is_gone_on_with(site, monkeypatch, failing):
    old, new = two(site)
    target = site.target(new)
    real, count = target._bucket.call, 0

    def call(operation, what, *expected, **given):
        nonlocal count
        if operation in ("put_object", "delete_object"):
            count += 1
            if count > failing:
                raise StageFailed("cut")
        return real(operation, what, *expected, **given)

    monkeypatch.setattr(target._bucket, "call", call)
    if failing < 6:
        with pytest.raises(StageFailed, match="cut"):
            target.remove(old.version)
        seen = site.readers_see(old.version)
        assert len(seen) in (0, 4, 5), seen
        monkeypatch.setattr(target._bucket, "call", real)
        at = {one.version: one.published_at for one in target.versions()}
        assert at[old.version] == (0.0 if failing else old.manifest.published_at.timestamp())
    target.remove(old.version)
    assert site.stored(old.version) == {}
    assert [one.version for one in target.versions()] == [new.version]
    target.remove(old.version)
    target.close()


def test_only_releases_of_the_project_are_told(site):
    _old, new = two(site)
    key = "of/us/almanac/{}/release.json"
    others = {
        "other": {"project": "shelf", "version": "other"},
        "renamed": {"project": "almanac", "version": "1.0.0"},
        "list": [1],
        "undated": {"project": "almanac", "version": "undated"},
    }
    for name, facts in others.items():
        body = json.dumps(facts).encode()
        site.s3.put_object(Bucket=site.bucket, Key=key.format(name), Body=body)
    site.s3.put_object(Bucket=site.bucket, Key=key.format("broken"), Body=b"{")
    site.s3.put_object(Bucket=site.bucket, Key="of/us/almanac/notes/a.txt", Body=b"mine")
    target = site.target(new)
    told = sorted(target.versions(), key=lambda one: one.version)
    assert [one.version for one in told] == ["1.0.0", "1.1.0", "undated"]
    assert told[-1] == PublishedRelease("undated", None)
    target.close()
