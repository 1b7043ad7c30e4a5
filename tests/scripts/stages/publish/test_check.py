"""`slipway stage publish-check`: each target says whether it can take a release."""

import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import Notice, Summary
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.check import run
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy
from tests.scripts.stages.publish.test_run import Recorder


def job(folder, *paths):
    targets = [
        {"kind": "folder", "name": f"t{number}", "path": path} for number, path in enumerate(paths)
    ]
    facts = RunFacts(number=7, revision="ab" * 20, branch="main", committed_at=1, version="1.4.0+7")
    return Job(
        project="almanac",
        name="publish-check",
        stage={"uses": "publish-check", "targets": targets},
        run=facts,
        output=str(folder / "output"),
        cache=str(folder / "cache"),
        state=str(folder),
    )


def test_targets_that_can_take_it(tmp_path):
    report = Recorder()
    run(job(tmp_path, "www", "mirror"), report)
    assert report.only(Summary).text == "2 targets can take 1.4.0+7"
    assert list(tmp_path.iterdir()) == []


def test_each_that_refuses_is_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("a file")
    with pytest.raises(StageFailed) as found:
        run(job(tmp_path, "a", "www", "b"), Recorder())
    first, second = str(found.value).split("; ")
    assert first.startswith("t0: ")
    assert second.startswith("t2: ")


def test_what_may_pass_by_itself_holds_nothing_up(tmp_path, monkeypatch):
    def check(self, version, size):
        raise TryAgain("no answer from there")

    monkeypatch.setattr(FolderCopy, "check", check)
    report = Recorder()
    run(job(tmp_path, "www"), report)
    told = "t0 could not be checked now, which may pass by itself: no answer from there"
    assert report.only(Notice) == Notice(text=told, level="warning")
    assert report.only(Summary).text == "0 targets can take 1.4.0+7; 1 could not be checked now"


def test_a_librarys_error_is_one_sentence(tmp_path, monkeypatch):
    def check(self, version, size):
        raise ZeroDivisionError

    monkeypatch.setattr(FolderCopy, "check", check)
    with pytest.raises(StageFailed, match=r"^t0: .*ZeroDivisionError"):
        run(job(tmp_path, "www"), Recorder())
