"""An upload that was cut off goes on where it was; others are left alone."""

import contextlib
import os
import re
import threading

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import OutgoingStream
from slipway.scripts.releases.target import TryAgain
from tests.support.release_targets import Told, bring, content
from tests.support.s3.proxy import Answer

PART = 128 << 10
BIG = os.urandom(9 * PART + 1000)
KEY = "of/us/almanac/{}/big.zip"
pytestmark = pytest.mark.usefixtures("small_parts")


def cut(site, release, after):
    """Publish, with the connection cut on the wire after so many bytes."""
    target = site.target(release)
    target.check(release.version, release.size)
    target.look(release)
    site.proxy.cut_after = after
    with (
        OutgoingStream(release.files[0]) as stream,
        pytest.raises(TryAgain, match=r"^[^\n]*cannot be reached: [^\n]*$"),
    ):
        target.stage(release.files[0], stream)
    target.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["site", "strict"])
def test_cut_on_the_wire_at_every_tenth_nothing_is_seen_and_it_goes_on(request, kind):
    site = request.getfixturevalue(kind)
    for tenth in range(10):
        release = site.place().release(f"2.{tenth}.0", {"big.zip": BIG})
        cut(site, release, len(BIG) * tenth // 10)
        assert site.readers_see(release.version) == {}
        assert site.stored(release.version) == {}
        before = sum(
            part["Size"]
            for one in site.uploads
            for part in site.s3.list_parts(
                Bucket=site.bucket, Key=one["Key"], UploadId=one["UploadId"]
            ).get("Parts", ())
        )
        site.proxy.seen.clear()
        bring(site.place(), release)
        assert site.readers_see(release.version) == content(release)
        assert site.proxy.sent() == release.size - before, tenth
        assert site.uploads == []


def begun(site, version, *parts):
    """Begin an upload as another program does; return its id."""
    key = KEY.format(version)
    upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key=key)["UploadId"]
    for number, data in enumerate(parts, 1):
        site.s3.upload_part(
            Bucket=site.bucket, Key=key, UploadId=upload, PartNumber=number, Body=data
        )
    return upload


@pytest.mark.parametrize("kind", ["site", "strict"])
def test_a_foreign_unfinished_upload_is_left_alone(request, kind):
    site = request.getfixturevalue(kind)
    release = site.place().release("1.0.0", {"big.zip": BIG})
    foreign = begun(site, "1.0.0", BIG[:PART], b"x" * PART)
    empty = begun(site, "1.0.0")
    odd = begun(site, "1.0.0", BIG[:70_000])
    # moto says that every upload began in 2010.
    bring(site.place(unfinished_days=0), release)
    assert site.readers_see("1.0.0") == content(release)
    assert {one["UploadId"] for one in site.uploads} == {foreign, empty, odd}
    parts = site.s3.list_parts(Bucket=site.bucket, Key=KEY.format("1.0.0"), UploadId=foreign)
    assert len(parts["Parts"]) == 2


def test_parts_of_the_same_bytes_are_not_sent_again(site):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    begun(site, "1.0.0", BIG[:PART], BIG[PART : 2 * PART])
    bring(site.place(), release)
    assert site.proxy.sent() == release.size - 2 * PART
    assert site.uploads == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(405, "MethodNotAllowed"),
        Answer(501, "NotImplemented"),
        Answer(403, "AccessDenied"),
    ],
)
@pytest.mark.parametrize("what", ["uploads", "parts"])
def test_a_server_that_lists_nothing_gets_it_anew(site, answer, what):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    begun(site, "1.0.0", BIG[:PART])
    name = {"uploads": "uploads", "parts": "uploadId"}[what]
    site.proxy.refuse = lambda one: answer if one.method == "GET" and name in one.query else None
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)
    assert site.proxy.sent() == release.size


def test_an_upload_that_another_publisher_finished_is_taken_for_done(site):
    """The answer to the last request was lost, or another one did it."""
    release = site.place().release("1.0.0", {"big.zip": BIG})
    dropped = []

    def drop(one):
        if one.method == "POST" and "uploadId" in one.query and not dropped:
            dropped.append(one)
            return True
        return False

    site.proxy.drop_answers = drop
    bring(site.place(), release)
    assert dropped
    assert site.readers_see("1.0.0") == content(release)
    assert site.proxy.sent() == release.size
    assert site.uploads == []


def test_a_lost_answer_to_a_small_file_is_no_failure(site):
    release = site.place().release("1.0.0")
    lost = set()

    def drop(one):
        if one.writes and one.key not in lost:
            lost.add(one.key)
            return True
        return False

    site.proxy.drop_answers = drop
    bring(site.place(), release)
    assert len(lost) == len(release.files)
    assert site.readers_see("1.0.0") == content(release)


@pytest.mark.parametrize("kind", ["site", "strict"])
def test_two_publishers_of_the_same_bytes_at_once_both_succeed(request, kind):
    site = request.getfixturevalue(kind)
    release = site.place().release("1.0.0", {"big.zip": BIG, "a.zip": b"a"})
    assert both(site, release, release) == [None, None]
    assert site.readers_see("1.0.0") == content(release)


def test_of_two_publishers_of_other_bytes_at_once_one_wins_wholly(site):
    for number in range(5):
        version = f"3.{number}.0"
        releases = [
            site.place().release(version, {"a.zip": bytes([n]) * 500_000, "b.zip": bytes([n])})
            for n in (1, 2)
        ]
        failures = both(site, *releases)
        there = site.readers_see(version)
        wins = [one for one, failure in zip(releases, failures, strict=True) if failure is None]
        assert len(wins) <= 1
        for won in wins:
            assert there == content(won)
        told = [str(one) for one in failures if one is not None]
        assert told
        # moto looks and writes in two steps: then it is found when it is read back.
        assert all(
            re.search('has another "|does not hold what|was changed by', one) for one in told
        )
        assert all("\n" not in one for one in told)


def both(site, *releases):
    """Publish at once; return what failed, or None, of each."""
    failures = [None] * len(releases)
    together = threading.Barrier(len(releases))

    def publish(number):
        together.wait()
        try:
            bring(site.place(), releases[number], report=Told())
        except StageFailed as error:
            failures[number] = error

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(len(releases))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return failures


def test_old_unfinished_uploads_of_this_account_are_given_up(site, monkeypatch):
    """moto says that every upload began in 2010."""
    release = site.place().release("1.0.0")
    old = begun(site, "0.9.0", BIG[:PART])
    other = site.s3.create_multipart_upload(Bucket=site.bucket, Key="of/us/almanac2/x")["UploadId"]
    bring(site.place(unfinished_days=0), release)
    assert {one["UploadId"] for one in site.uploads} == {old, other}, "0: never"
    then = next(one["Initiated"] for one in site.uploads).timestamp() + 6 * 86_400
    with monkeypatch.context() as patch:
        where = "slipway.scripts.stages.publish.targets.s3.preflight.time.time"
        patch.setattr(where, lambda: then)
        bring(site.place(), release)
    assert {one["UploadId"] for one in site.uploads} == {old, other}, "it is not old"
    bring(site.place(), release)
    assert [one["UploadId"] for one in site.uploads] == [other]
    assert site.readers_see("1.0.0") == content(release)


def test_unfinished_uploads_of_another_account_are_left_alone(site):
    release = site.place().release("1.0.0")
    old = begun(site, "0.9.0", BIG[:PART])
    target = site.target(release)
    target.check("1.0.0", None)
    target._preflight._initiator = "another"
    target._preflight.give_up_old()
    assert [one["UploadId"] for one in site.uploads] == [old]


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_publisher_that_dies_at_any_request_leaves_nothing_half(site, done):
    """Killed before the server hears of its request, or after the server did it."""
    place = site.place()
    bring(place, place.release("0.0.0", {"big.zip": BIG, "a.zip": b"a"}))
    count = len(site.proxy.seen)
    assert count > 20
    for moment in range(count):
        release = place.release(f"1.{moment}.0", {"big.zip": BIG, "a.zip": b"a"})
        site.proxy.seen.clear()

        def dies(_request, moment=moment):
            return len(site.proxy.seen) > moment

        site.proxy.drop_answers, site.proxy.drop_requests = (
            (dies, lambda _request, moment=moment: len(site.proxy.seen) > moment + 1)
            if done
            else (lambda _request: False, dies)
        )
        with contextlib.suppress(StageFailed):
            bring(place, release)
        seen = site.readers_see(release.version)
        assert seen in ({}, content(release)), moment
        site.proxy.drop_answers = site.proxy.drop_requests = lambda _request: False
        bring(place, release)
        assert site.readers_see(release.version) == content(release)
    left = {one["Key"] for one in site.uploads}
    assert left <= {KEY.format(f"1.{moment}.0") for moment in range(count)} | {
        f"of/us/almanac/1.{moment}.0/release.json" for moment in range(count)
    }


def test_answers_in_many_pages_are_read_to_their_end(site):
    """Two of a page."""
    files = {"big.zip": BIG} | {f"{number}.txt": b"x" for number in range(5)}
    release = site.place().release("1.0.0", files)
    upload = begun(site, "1.0.0", *(BIG[n * PART : (n + 1) * PART] for n in range(5)))
    sizes = {"list-type": "max-keys", "uploadId": "max-parts"}

    def change_path(one):
        found = [size for name, size in sizes.items() if one.method == "GET" and name in one.query]
        return f"{one.path}&{found[0]}=2" if found else one.path

    site.proxy.change_path = change_path
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)
    assert site.proxy.sent() == release.size - 5 * PART
    again, _ = bring(site.place(), release)
    assert again.staged == []
    listed = [one for one in site.proxy.seen if upload in one.path and one.method == "GET"]
    assert len(listed) == 3
