"""Pointers at a target whose protocol cannot look and write in one step."""

import json

import pytest

from slipway.scripts.releases.pointing import MOST, named_version
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.stages.publish.delivery.pointing import point_in_order, pointed_at
from tests.support.release_targets import Told, make_pointers

EARLY, LATE = "2026-12-01T04:00:00Z", "2026-12-01T04:00:00.000001Z"


class Shown(ReleaseTarget):
    """A target that shows what was written, or what another publisher writes right after it."""

    where = "there"

    def __init__(self, shown=None, after=()):
        self.shown, self.after, self.written = shown, list(after), 0

    def pointer(self, name):
        return self.shown if name == "latest.json" else None

    def point(self, pointers):
        self.written += 1
        [file] = [one for one in pointers.files if one.name == "latest.json"]
        self.shown = self.after.pop(0) if self.after else file.path.read_bytes()


def latest(pointers):
    return pointers.files[-1].path.read_bytes()


@pytest.fixture
def old(tmp_path):
    return make_pointers(tmp_path / "old", "1.0", EARLY)


@pytest.fixture
def new(tmp_path):
    return make_pointers(tmp_path / "new", "2.0", LATE)


def test_later_ones_stay_and_that_is_told(old, new):
    target, told = Shown(latest(new)), Told()
    point_in_order(target, "there", old, told)
    assert (target.shown, target.written) == (latest(new), 0)
    assert told.notices() == ["there shows later pointers than those of this release; they stay"]


def test_the_same_are_written_again_because_pages_may_lack(old):
    target = Shown(latest(old))
    point_in_order(target, "there", old, Told())
    assert target.written == 1


def test_what_an_older_publish_wrote_at_the_same_moment_is_replaced(old, new):
    target = Shown(latest(old), after=[latest(old)])
    point_in_order(target, "there", new, Told())
    assert (target.shown, target.written) == (latest(new), 2)


def test_what_never_stays_ends(old, new):
    target = Shown(None, after=[latest(old)] * 9)
    point_in_order(target, "there", new, Told())
    assert target.written == 3


@pytest.mark.parametrize(
    "there",
    [b"", b"\xff\xfe", b"[]", b"{}", b'{"issued_at": 7}', b"[" * 100_000, b'{"issued_at": "x"}'],
    ids=range(7),
)
def test_what_is_no_pointer_is_replaced(new, there):
    target = Shown(there)
    point_in_order(target, "there", new, Told())
    assert target.shown == latest(new)
    assert named_version(there) == ""


def test_the_versions_that_a_target_names(new):
    target = Shown(json.dumps({"version": "0.9"}).encode())
    assert pointed_at(target, new) == {"0.9", "2.0"}


def test_the_form_of_earlier_releases_is_compared_by_time(tmp_path, new):
    """Text would put 04:00:00Z after 04:00:00.000001Z."""
    assert len(latest(new)) < MOST
    target = Shown(latest(make_pointers(tmp_path / "old", "1.0", EARLY)))
    point_in_order(target, "there", new, Told())
    assert target.shown == latest(new)
