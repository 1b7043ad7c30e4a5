"""The target `s3` holds what each target must, at two servers."""

import base64
import hashlib
import os

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream, Pointers
from slipway.scripts.releases.verify import verify
from slipway.scripts.stages.publish import run as publish
from tests.scripts.stages.publish.test_run import job
from tests.support import release_targets
from tests.support.release_targets import CHECKS, Told, bring, content

#: Bytes of a part, where a test has small ones.
PART = 128 << 10
BIG = os.urandom(1 << 20) * 22


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", ["site", "strict"])
def test_a_bucket_holds_to_the_contract(request, kind, check):
    place = request.getfixturevalue(kind)
    check(place.place())
    assert place.uploads == []


@pytest.mark.slow
def test_a_cut_that_passes_by_itself_is_tried_again(site):
    release_targets.check_cut_anywhere_and_again(site.place(), passing=True)


@pytest.mark.slow
@pytest.mark.parametrize("checksum", ["sha256", "md5"])
@pytest.mark.parametrize("kind", ["site", "strict"])
def test_large_files_go_in_parts_with_checksums(request, kind, checksum):
    site = request.getfixturevalue(kind)
    release = site.place().release("1.0.0", {"big.zip": BIG, "almanac.zip": b"zip"})
    target, _ = bring(site.place(checksum=checksum), release)
    assert site.readers_see("1.0.0") == content(release)
    parts = site.proxy.called("PUT", "partNumber")
    assert sorted(len(one.body) for one in parts) == [6 << 20, 8 << 20, 8 << 20]
    name = {"sha256": "x-amz-checksum-sha256", "md5": "content-md5"}[checksum]
    assert all(name in one.headers for one in site.proxy.seen if one.writes)
    assert target.sent == release.size, "each byte is counted once"
    assert site.uploads == []


def test_released_files_are_immutable_to_caches_and_pages_are_asked_for_each_time(site):
    release = site.place().release("1.0.0")
    bring(site.place(), release)
    key = "of/us/almanac/1.0.0/almanac.dump"
    facts = site.s3.head_object(Bucket=site.bucket, Key=key)
    assert facts["CacheControl"] == "public, max-age=31536000, immutable"
    page = _page(site.folder, "channels/beta.json", b"{}", "application/json")
    target = site.target(release)
    target.point(Pointers("1.0.0", {}, (page,)))
    facts = site.s3.head_object(Bucket=site.bucket, Key="of/us/almanac/channels/beta.json")
    assert facts["CacheControl"] == "no-cache"
    assert facts["ContentType"] == "application/json; charset=utf-8"
    target.point(Pointers("1.0.0", {}, (page,)))
    assert (
        len([one for one in site.proxy.seen if one.key.endswith("beta.json") and one.writes]) == 1
    )
    page = _page(site.folder, "channels/beta.json", b'{"version": "2"}', "application/json")
    target.point(Pointers("1.0.0", {}, (page,)))
    stored = site.s3.get_object(Bucket=site.bucket, Key="of/us/almanac/channels/beta.json")
    assert stored["Body"].read() == b'{"version": "2"}'


@pytest.mark.parametrize("name", ["../other/x", "/x", "a//b", "a/../../x", "a\x1b[0m"])
def test_a_page_cannot_lie_elsewhere(site, name):
    page = _page(site.folder, name, b"{}", "application/json")
    with pytest.raises(Exception, match=r"cannot name a file|no address may hold"):
        site.target().point(Pointers("1.0.0", {}, (page,)))
    assert site.proxy.sent() == 0


def test_settings_of_objects_go_with_each_of_them(site):
    chosen = {"acl": "public-read", "storage_class": "STANDARD_IA", "encryption": "AES256"}
    release = site.place().release("1.0.0", {"big.zip": BIG, "almanac.zip": b"zip"})
    bring(site.place(**chosen), release)
    for name in ("big.zip", "almanac.zip", "release.json"):
        key = f"of/us/almanac/1.0.0/{name}"
        facts = site.s3.head_object(Bucket=site.bucket, Key=key)
        assert (facts["StorageClass"], facts["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")
        granted = site.s3.get_object_acl(Bucket=site.bucket, Key=key)["Grants"]
        assert any(one["Grantee"].get("URI", "").endswith("AllUsers") for one in granted)


def test_a_bucket_without_versions_is_told_once(site):
    told = Told()
    target = site.target(report=told)
    target.check("1.0.0", None)
    target.check("1.0.0", None)
    (notice,) = told.events
    assert notice.level == "warning"
    assert f'"{site.bucket}" keeps no versions: what another program overwrites' in notice.text
    versions = {"Status": "Enabled"}
    site.s3.put_bucket_versioning(Bucket=site.bucket, VersioningConfiguration=versions)
    told = Told()
    site.target(report=told).check("1.0.0", None)
    assert told.events == []


def test_a_check_leaves_nothing(site):
    site.target().check("1.0.0", 10)
    assert site.uploads == []
    assert site.stored("1.0.0") == {}


def test_readers_see_a_release_by_its_last_object_alone(site):
    """Whatever the moment: release.json is there last."""
    release = site.place().release("1.0.0")
    seen = []

    def look(request):
        if request.writes:
            seen.append(sorted(site.stored("1.0.0")))

    site.proxy.refuse = look
    bring(site.place(), release)
    assert len(seen) == len(release.files)
    assert not any("release.json" in names for names in seen)


def test_addresses_of_people_stand_for_signs_that_servers_take_for_spaces(site):
    target = site.target(public_url="https://downloads.example.com/of/")
    assert (
        target.public_url("Grüße 1+2.txt")
        == "https://downloads.example.com/of/almanac/1.4.0%2B7/Gr%C3%BC%C3%9Fe%201%2B2.txt"
    )
    assert site.target().public_url("a.zip") is None


def test_what_anybody_gets_is_read_back_from_the_public_address(site, moto_url):
    release = site.place().release("1.0.0+7")
    target = site.place(public_url=f"{moto_url}/{site.bucket}/of/us", acl="public-read")
    _, told = bring(target, release)
    assert told.ended()["there"].state == "public"


def test_a_body_is_what_its_signature_says_and_its_checksum(site):
    release = site.place().release("1.0.0")
    bring(site.place(), release)
    wrote = [one for one in site.proxy.seen if one.writes]
    for file in release.files:
        one = next(one for one in wrote if one.key.endswith(f"/{file.name}"))
        assert one.headers["x-amz-content-sha256"] == file.sha256
        checksum = base64.b64decode(one.headers["x-amz-checksum-sha256"]).hex()
        assert checksum == file.sha256
        assert one.headers["if-none-match"] == "*"


def test_too_long_a_name_is_refused(site):
    with pytest.raises(StageFailed, match=r"is too long a name for releases-.*: shorten it"):
        site.target(prefix="p" * 300).point(
            Pointers("1", {}, (_page(site.folder, "a/" * 400 + "x", b"", "text/html"),))
        )


def _page(folder, name, data, kind):
    path = folder / "page"
    path.write_bytes(data)
    return OutgoingFile(name, path, len(data), hashlib.sha256(data).hexdigest(), kind)


def test_an_empty_file_and_a_file_of_one_part_more_are_whole(site, small_parts):
    for size in (0, 1, 2 * PART, 2 * PART + 1, 3 * PART):
        release = site.place().release(f"1.0.{size}", {"a.bin": BIG[:size]})
        bring(site.place(), release)
        assert site.readers_see(release.version) == content(release)


def test_a_stream_is_read_no_more_than_needed(site):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    counted = []
    target = site.target(release)
    target.look(release)
    with OutgoingStream(release.files[0], counted.append) as stream:
        target.stage(release.files[0], stream)
    assert sum(counted) == len(BIG)
    assert max(counted) <= 1 << 20


def test_the_stage_brings_a_release_that_verifies(site):
    """From the settings of a stage to what a reader downloads."""
    target = {"kind": "s3", "bucket": site.bucket, "endpoint": site.proxy.url, "prefix": "of/us"}
    stage = {"uses": "publish", "needs": ["archive"], "targets": [target], "env": site.env}
    publish.run(job(site.folder, stage=stage), Told())
    there = site.folder / "downloaded"
    there.mkdir()
    for name, data in site.readers_see("1.4.0+7").items():
        (there / name).write_bytes(data)
    assert verify(there) == []
    publish.run(job(site.folder, stage=stage), Told())
