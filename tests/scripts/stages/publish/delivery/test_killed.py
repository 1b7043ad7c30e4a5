"""A publisher may be killed at any moment: the next one completes it, and readers see no half."""

import multiprocessing

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy
from tests.scripts.stages.publish.test_run import job
from tests.support.faults import may_mount, small_disk
from tests.support.killed_publishers import kill_publishers
from tests.support.release_targets import Place, Told, Unhurried, bring, content, make_release

pytestmark = pytest.mark.slow


def test_killed_at_random_moments(tmp_path):
    """50 kills of 1,000 files: bench/publish.py --kill."""
    counted = kill_publishers(tmp_path, files=60, kills=9)
    assert counted.kills == 9
    assert counted.published >= 3
    assert counted.looks > 100
    assert (counted.lost, counted.doubled, counted.half) == ([], [], [])


def folder(tmp_path, root) -> Place:
    def connect(release, report):
        made = job(tmp_path / "job", version=release.version)
        return FolderCopy(FolderTarget(kind="folder", path=str(root)), made, report)

    def readers_see(version):
        home = root / "almanac" / version
        found = home.iterdir() if home.exists() else ()
        return {path.name: path.read_bytes() for path in found}

    return Place(connect, readers_see, tmp_path / "releases")


@pytest.mark.parametrize("are_same", [True, False])
def test_two_publishes_at_once(tmp_path, are_same):
    """Of one release both succeed; of two releases of one version, one; and nothing is mixed."""
    place = folder(tmp_path, tmp_path / "www")
    files = {f"file-{number}": bytes([number]) * 5000 for number in range(40)}
    releases = [make_release(tmp_path / "one", "1.0.0", files)]
    other = files if are_same else {**files, "file-7": b"another"}
    releases.append(make_release(tmp_path / "two", "1.0.0", other))
    context = multiprocessing.get_context("fork")
    together = context.Barrier(2)

    def publish(release):
        together.wait(30)
        try:
            bring(place, release)
        except StageFailed as error:
            assert "has another" in str(error)  # noqa: PT017  it ends this process
            raise SystemExit(7) from None

    both = [context.Process(target=publish, args=(one,)) for one in releases]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    codes = sorted(one.exitcode for one in both)
    assert codes == ([0, 0] if are_same else [0, 7])
    winner = releases[[one.exitcode for one in both].index(0)]
    assert dict(place.readers_see("1.0.0")) == content(winner)
    bring(place, winner)
    left = list((tmp_path / "www/almanac").glob(".*.part"))
    assert len(left) <= (0 if are_same else 1), "what lost is swept a day later"


@pytest.mark.skipif(not may_mount(), reason="this user may not mount a disk of its own")
def test_a_target_that_is_full(tmp_path):
    """One sentence, nothing seen, the other target is whole; with room again it is completed."""
    root = tmp_path / "small"
    with small_disk(root, 4):
        small, large = folder(tmp_path, root), folder(tmp_path, tmp_path / "www")
        release = make_release(
            tmp_path / "one", "1.0.0", {"a": b"a" * 900_000, "b": b"b" * 900_000}
        )
        told = Told()

        def fill(_version, _size):
            (root / "filler").write_bytes(b"x" * 2_500_000)

        full = small.connect(release, told)
        full.check = fill
        ways = [Destination("small", full), Destination("www", large.connect(release, told))]
        sentence = r"not at small \(.*the disk is full: .*it has 1 of 4 files.*whole at www"
        with pytest.raises(StageFailed, match=sentence):
            deliver(ways, release, Pointers("1.0.0", {}), told, Unhurried())
        assert not small.readers_see("1.0.0")
        assert dict(large.readers_see("1.0.0")) == content(release)
        with pytest.raises(StageFailed, match=r"bytes free, and [\d,]+ are needed"):
            bring(small, release)
        (root / "filler").unlink()
        bring(small, release)
        assert dict(small.readers_see("1.0.0")) == content(release)
