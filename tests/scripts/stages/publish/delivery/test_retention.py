"""Old releases at targets: removed when a new one is there, told, and never at its cost."""

import pytest
from pydantic import ValidationError

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import TargetEnded, TargetRemoved
from slipway.model.retention import KeepReleases, PublishedRelease
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.releases.target import ReleaseTarget, TryAgain
from slipway.scripts.stages.publish.delivery.ends import destinations
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver
from slipway.scripts.stages.publish.targets.command.settings import CommandTarget
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from tests.scripts.stages.publish.test_run import job
from tests.support.release_targets import Told, Unhurried, make_release

KEEP = KeepReleases(latest=1)
NOW = 1_767_312_000.0


class Shelf(ReleaseTarget):
    """A target with old releases."""

    where, renames = "the shelf", True

    def __init__(self, *there):
        self.there, self.removed, self.fails, self.bytes = list(there), [], [], {}

    def check(self, version, size):
        pass

    def look(self, release):
        return {}

    def stage(self, file, stream):
        self.bytes[file.name] = stream.read()

    def read_back(self, file):
        yield self.bytes[file.name]

    def commit(self, release):
        self.there.append(
            PublishedRelease(release.version, release.manifest.published_at.timestamp())
        )
        return "shelf"

    def point(self, pointers):
        pass

    def public_url(self, name):
        return None

    def versions(self):
        return iter(self.there)

    def remove(self, version):
        if self.fails:
            raise self.fails.pop(0)
        self.removed.append(version)

    def close(self):
        pass


def old(*versions: str) -> list[PublishedRelease]:
    return [PublishedRelease(one, NOW - 86400 * (100 - n)) for n, one in enumerate(versions)]


def brought(tmp_path, shelf, protected=frozenset(), channels=None, keep=KEEP, clock=None):
    told = Told()
    release = make_release(tmp_path, "9.0.0", {"a.zip": b"a"})
    destination = Destination("there", shelf, None, keep, protected)
    pointers = Pointers("9.0.0", channels or {})
    deliver([destination], release, pointers, told, clock or Unhurried())
    ended = [one for one in told.events if isinstance(one, TargetEnded)]
    assert [one.state for one in ended] == ["public"]
    shelf.told = [one.version for one in told.events if isinstance(one, TargetRemoved)]
    assert shelf.told == shelf.removed[len(shelf.removed) - len(shelf.told) :]
    return told.notices()


def test_what_a_channel_points_at_stays(tmp_path):
    shelf = Shelf(*old("1.0.0", "2.0.0", "3.0.0"))
    brought(tmp_path, shelf, frozenset({"1.0.0"}), {"stable": "2.0.0"})
    assert shelf.removed == ["3.0.0"]


def test_without_keep_and_without_a_word_on_what_is_needed_all_stays(tmp_path):
    shelf = Shelf(*old("1.0.0", "2.0.0"))
    assert brought(tmp_path, shelf, keep=None) == []
    said = brought(tmp_path, shelf, protected=None)
    assert said == ["nothing is removed from there: nobody has said what is still needed"]
    assert shelf.removed == []


def test_a_release_that_cannot_be_removed_is_told_and_fails_nothing(tmp_path):
    shelf = Shelf(*old("1.0.0", "2.0.0"))
    shelf.fails = [StageFailed("the shelf is read-only")]
    said = brought(tmp_path, shelf)
    assert said == ["1.0.0 was not removed from there: the shelf is read-only"]
    shelf.fails = [OSError(5, "input/output error")]
    said = brought(tmp_path, shelf)
    assert said == ["1.0.0 was not removed from there: the shelf: input/output error"]


def test_what_may_pass_by_itself_is_tried_again(tmp_path):
    shelf, clock = Shelf(*old("1.0.0")), Unhurried()
    shelf.fails = [TryAgain("busy", 7), TryAgain("busy")]
    brought(tmp_path, shelf, clock=clock)
    assert shelf.removed == ["1.0.0"]
    assert clock.waits[0] == 7


@pytest.mark.parametrize("name", ["../9.0.0", "", ".", "a/b", "a\nb", "x" * 300])
def test_a_target_that_tells_of_strange_versions_is_not_obeyed(tmp_path, name):
    shelf = Shelf(PublishedRelease(name, NOW - 9e6), *old("1.0.0"))
    brought(tmp_path, shelf)
    assert shelf.removed == ["1.0.0"]


def test_the_time_is_the_releases_own(tmp_path):
    """A worker whose clock is wrong removes nothing too early."""
    keep = KeepReleases(latest=1, age="30d")
    young = PublishedRelease("2.0.0", NOW - 29 * 86400)
    shelf = Shelf(PublishedRelease("1.0.0", NOW - 31 * 86400), young)
    brought(tmp_path, shelf, keep=keep)
    assert shelf.removed == ["1.0.0"]


def test_keep_is_refused_where_nothing_can_be_removed():
    with pytest.raises(ValidationError, match=r'nothing is removed at a "command"; these can: .*f'):
        CommandTarget(kind="command", argv=("true",), keep={"latest": 3})
    assert FolderTarget(kind="folder", path="www", keep={"age": "90d"}).keep.latest == 10


def test_the_jobs_word_reaches_the_targets(tmp_path):
    stage = {
        "uses": "publish",
        "needs": ["archive"],
        "targets": [{"kind": "folder", "path": "www", "keep": {"latest": 3, "age": "90d"}}],
    }
    (one,) = destinations(
        job(tmp_path, stage=stage, protected=("1.0.0",)).stage,
        job(tmp_path, stage=stage, protected=("1.0.0",)),
        Told(),
    )
    assert (one.keep, one.protected) == (KeepReleases(latest=3, age="90d"), frozenset({"1.0.0"}))
    (one,) = destinations(job(tmp_path, stage=stage).stage, job(tmp_path, stage=stage), Told())
    assert one.protected is None


def test_what_the_targets_own_pointers_name_stays(tmp_path):
    """Another release was promoted there while this one was brought."""

    class Promoted(Shelf):
        def pointer(self, name):
            return {"channels/beta.json": b'{"version": "0.5.0"}'}.get(name)

    shelf = Promoted(*(PublishedRelease(f"0.{n}.0", NOW - 1000 + n) for n in range(4, 7)))
    release = make_release(tmp_path / "release", "1.0.0", {"a.txt": b"a"})
    way = Destination("shelf", shelf, keep=KEEP, protected=frozenset())
    deliver([way], release, Pointers("1.0.0", {"beta": "0.6.0"}), Told(), Unhurried())
    assert shelf.removed == ["0.4.0"]
