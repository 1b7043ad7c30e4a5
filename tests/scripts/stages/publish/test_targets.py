"""Copies of a release at its targets: whole, or not seen; and always safe to run again."""

import json
from pathlib import Path

import pytest

from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.protocol.event import TargetEnded
from slipway.scripts.releases.verify import verify
from slipway.scripts.stages.publish import run as publish
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy
from tests.scripts.stages.publish.test_run import Recorder, given, job


def with_targets(tmp_path: Path, *paths: str, **changes):
    targets = [
        {"kind": "folder", "path": path, "name": f"to-{number}"}
        for number, path in enumerate(paths)
    ]
    stage = {"uses": "publish", "needs": ["archive"], "targets": targets}
    return job(tmp_path, stage=stage, **changes)


def test_a_release_is_copied_to_each_target_as_it_is(tmp_path):
    report = Recorder()
    publish.run(with_targets(tmp_path, "www", str(tmp_path / "mirror")), report)
    home = tmp_path / "state" / "releases" / "almanac" / "1.4.0+7"
    for root in (tmp_path / "state" / "www", tmp_path / "mirror"):
        copy = root / "almanac" / "1.4.0+7"
        assert verify(copy) == []
        assert (copy / "release.json").read_bytes() == (home / "release.json").read_bytes()
        assert (root / "almanac" / "latest").resolve() == copy
        assert json.loads((root / "almanac" / "latest.json").read_text())["version"] == "1.4.0+7"
    told = {one.target: one.place for one in report.events if isinstance(one, TargetEnded)}
    assert told["to-1"] == str(tmp_path / "mirror" / "almanac" / "1.4.0+7")


def test_publishing_again_changes_nothing_there(tmp_path):
    made = with_targets(tmp_path, "www")
    publish.run(made, Recorder())
    before = [(p, p.lstat().st_mtime_ns) for p in sorted((tmp_path / "state/www").rglob("1*/*"))]
    publish.run(made, Recorder())
    after = [(p, p.lstat().st_mtime_ns) for p in sorted((tmp_path / "state/www").rglob("1*/*"))]
    assert before == after
    assert len(before) == 5


def test_another_release_of_that_version_is_refused_and_stays(tmp_path):
    publish.run(with_targets(tmp_path / "one", str(tmp_path / "www")), Recorder())
    there = (tmp_path / "www/almanac/1.4.0+7/release.json").read_bytes()
    other = [given(tmp_path / "in", "almanac.zip", b"another")]
    with pytest.raises(StageFailed, match=r"not at .*www.*has another .almanac\.zip. of 1"):
        publish.run(with_targets(tmp_path / "two", str(tmp_path / "www"), inputs=other), Recorder())
    assert (tmp_path / "www/almanac/1.4.0+7/release.json").read_bytes() == there
    assert list((tmp_path / "www/almanac").glob(".*.part")) == []


def test_a_target_that_cannot_be_written_is_told_before_anything_is_brought_anywhere(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StageFailed, match=r"not at to-1 .*is no folder that this .*nothing of"):
        publish.run(with_targets(tmp_path, "www", str(tmp_path / "file" / "in")), Recorder())
    assert not (tmp_path / "state" / "www").exists()


@pytest.mark.parametrize("failing", range(1, 6))
def test_half_a_copy_is_never_seen_and_the_next_run_mends_it(tmp_path, monkeypatch, failing):
    """Whichever file fails: the disk ends there, as a full one does."""
    count = 0

    def stage(self, file, stream):
        nonlocal count
        count += 1
        if count == failing:
            msg = f"{file.name}: input/output error"
            raise StageFailed(msg)
        real(self, file, stream)

    real = FolderCopy.stage
    made = with_targets(tmp_path, "www")
    monkeypatch.setattr(FolderCopy, "stage", stage)
    with pytest.raises(StageFailed, match=r"not at .*input/output error; it has (nothing|\d of 5)"):
        publish.run(made, Recorder())
    assert list((tmp_path / "state/www/almanac").glob("[!.]*")) == []
    publish.run(made, Recorder())
    assert verify(tmp_path / "state/www/almanac/1.4.0+7") == []


def test_what_arrives_altered_is_not_shown(tmp_path, monkeypatch):
    def stage(self, file, stream):
        real(self, file, stream)
        (self._aside / file.name).write_bytes(b"altered")

    real = FolderCopy.stage

    monkeypatch.setattr(FolderCopy, "stage", stage)
    with pytest.raises(SlipwayError, match="does not hold what was written"):
        publish.run(with_targets(tmp_path, "www"), Recorder())
    assert list((tmp_path / "state/www/almanac").glob("[!.]*")) == []


def test_a_damaged_copy_is_named_before_anything_is_published(tmp_path):
    made = with_targets(tmp_path, "www")
    publish.run(made, Recorder())
    (tmp_path / "state/www/almanac/1.4.0+7/almanac.zip").write_bytes(b"bad")
    with pytest.raises(StageFailed, match=r"is there already, but is damaged: almanac\.zip"):
        publish.run(made, Recorder())
