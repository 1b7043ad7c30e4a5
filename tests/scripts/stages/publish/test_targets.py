"""Copies of a release at its targets: whole, or not seen; and always safe to run again."""

import json
import os
from pathlib import Path

import pytest

from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.protocol.event import Notice
from slipway.scripts.releases.verify import verify
from slipway.scripts.stages.publish import folder_target
from slipway.scripts.stages.publish import run as publish
from tests.scripts.stages.publish.test_run import Recorder, given, job


def with_targets(tmp_path: Path, *paths: str, **changes):
    targets = [{"kind": "folder", "path": path} for path in paths]
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
    told = [event.text for event in report.events if isinstance(event, Notice)]
    assert f"copied to {tmp_path / 'mirror' / 'almanac' / '1.4.0+7'}" in told


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
    with pytest.raises(StageFailed, match=r"not to .*www.*another release of the same version"):
        publish.run(with_targets(tmp_path / "two", str(tmp_path / "www"), inputs=other), Recorder())
    assert (tmp_path / "www/almanac/1.4.0+7/release.json").read_bytes() == there
    assert list((tmp_path / "www/almanac").glob("*.part")) == []


def test_a_target_that_cannot_be_written_is_told_before_anything_is_published(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StageFailed, match=r"nothing was published: .*file is no folder that this"):
        publish.run(with_targets(tmp_path, "www", str(tmp_path / "file" / "in")), Recorder())
    assert not (tmp_path / "state" / "releases").exists()
    assert not (tmp_path / "state" / "www").exists()


@pytest.mark.parametrize("failing", range(1, 6))
def test_half_a_copy_is_never_seen_and_the_next_run_mends_it(tmp_path, monkeypatch, failing):
    """Whichever file fails: the disk ends there, as a full one does."""
    count = 0

    def copy_file(path, target):
        nonlocal count
        count += 1
        if count == failing:
            raise OSError(5, os.strerror(5), str(target))
        real(path, target)

    real = folder_target.copy_file
    made = with_targets(tmp_path, "www")
    monkeypatch.setattr(folder_target, "copy_file", copy_file)
    with pytest.raises(StageFailed, match=r"published to .*, but not to .*www.*input/output error"):
        publish.run(made, Recorder())
    assert [p.name for p in (tmp_path / "state/www/almanac").iterdir()] == []
    publish.run(made, Recorder())
    assert verify(tmp_path / "state/www/almanac/1.4.0+7") == []


def test_what_arrives_altered_is_not_shown(tmp_path, monkeypatch):
    def copy_file(path, target):
        target.write_bytes(path.read_bytes()[:-1])

    monkeypatch.setattr(folder_target, "copy_file", copy_file)
    with pytest.raises(SlipwayError, match="does not hold what was written"):
        publish.run(with_targets(tmp_path, "www"), Recorder())
    assert [p.name for p in (tmp_path / "state/www/almanac").iterdir()] == []


def test_a_damaged_copy_is_named_before_anything_is_published(tmp_path):
    made = with_targets(tmp_path, "www")
    publish.run(made, Recorder())
    (tmp_path / "state/www/almanac/1.4.0+7/almanac.zip").write_bytes(b"bad")
    with pytest.raises(StageFailed, match=r"is there already, but is damaged: almanac\.zip"):
        publish.run(made, Recorder())
