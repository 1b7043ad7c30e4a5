"""What people are told of a site: once when a bound is crossed, again when it is crossed anew."""

import pytest

from slipway.master.watching.bounds import DISK, Bounds, Disk
from slipway.model.notices.events import Event
from slipway.model.watch import Watch

NOW = 1_800_000_000.0


@pytest.fixture
def bounds():
    watch = Watch(worker_missing=300, disk_low=1000, queue_long=5, queue_time=60)
    return Bounds(watch, NOW)


def events(found):
    return [one.event for one in found]


def test_a_worker_that_never_came_is_missing_after_its_time_and_told_once(bounds):
    assert list(bounds.workers({"far": False}, NOW + 299)) == []
    (one,) = bounds.workers({"far": False}, NOW + 301)
    assert one.event is Event.WORKER_MISSING
    assert one.facts["worker"] == "far"
    assert one.facts["text"] == "it has not come since 5m01s ago"
    assert one.key == f"worker-far-worker-missing-{NOW + 301:.3f}"
    assert list(bounds.workers({"far": False}, NOW + 9000)) == []


def test_a_worker_that_was_gone_for_a_moment_is_not_told_of(bounds):
    for moment in range(0, 3000, 15):
        here = moment % 300 != 285
        assert list(bounds.workers({"far": here}, NOW + moment)) == []


def test_a_worker_is_back_and_may_be_missing_again(bounds):
    told = []
    for moment in range(0, 2000, 10):
        here = not (500 <= moment < 1000 or moment >= 1500)
        told += events(bounds.workers({"far": here}, NOW + moment))
    assert told == ["worker-missing", "worker-back", "worker-missing"]


def test_a_worker_that_came_back_while_the_master_was_away_is_told_of():
    before = {"worker-far": (Event.WORKER_MISSING, NOW - 500)}
    bounds = Bounds(Watch(), NOW, before)
    assert list(bounds.workers({"far": False}, NOW + 1000)) == []
    assert events(bounds.workers({"far": True}, NOW + 1015)) == ["worker-back"]


def test_a_worker_that_pipeline_toml_has_no_more_is_forgotten(bounds):
    assert list(bounds.workers({"far": True}, NOW)) == []
    assert list(bounds.workers({}, NOW + 1000)) == []
    # It is written again much later: its time begins then, not at the last time it was here.
    (one,) = bounds.workers({"far": False}, NOW + 2000)
    assert "has not come" in one.facts["text"]


def test_a_disk_is_told_of_once_until_it_has_room_again(bounds):
    (one,) = bounds.disks([Disk("/a", 5000), Disk("/b", 999)], NOW)
    assert (one.event, one.subject) == (Event.DISK_LOW, DISK)
    assert one.facts["text"] == "999 B are free at /b, and it should be 1.0 kB"
    assert one.facts["measure"]["value"] == 999
    for free in (998, 1001, 999, 1090, 5):
        assert list(bounds.disks([Disk("/b", free)], NOW + 60)) == []
    assert list(bounds.disks([Disk("/b", 1100)], NOW + 90)) == []
    assert events(bounds.disks([Disk("/b", 10)], NOW + 100)) == ["disk-low"]


def test_a_disk_that_stays_full_is_told_of_each_day(bounds):
    told = [events(bounds.disks([Disk("/b", 1)], NOW + hour * 3600)) for hour in range(49)]
    assert [at for at, one in enumerate(told) if one] == [0, 24, 48]


def test_no_disk_is_no_notice(bounds):
    assert list(bounds.disks([], NOW)) == []


def test_a_queue_is_told_of_when_it_is_long_for_its_time(bounds):
    assert list(bounds.queue(6, NOW)) == []
    assert list(bounds.queue(6, NOW + 59)) == []
    (one,) = bounds.queue(7, NOW + 61)
    assert one.facts["text"] == "7 stages wait for a worker, and the bound is 5"
    assert list(bounds.queue(70, NOW + 90)) == []
    # It was short for a moment: it has to be long for its time again.
    assert list(bounds.queue(5, NOW + 100)) == []
    assert list(bounds.queue(6, NOW + 110)) == []
    assert events(bounds.queue(6, NOW + 170)) == ["queue-long"]
