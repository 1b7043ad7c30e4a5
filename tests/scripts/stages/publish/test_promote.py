"""`slipway stage promote`: targets get the pages and pointers that the master has rendered."""

import hashlib
import os
import signal
import threading

import pytest

from slipway.model.errors import StageFailed, Stopped, WrongInput
from slipway.model.protocol.event import Summary
from slipway.model.protocol.job import (
    Input,
    Job,
    MadePointers,
    MadeRelease,
    PointerFile,
    RunFacts,
)
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.promote import run
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy

FILES = {"index.html": b"<p>", "channels/stable.json": b"{}", "latest.json": b"{}"}


class Recorder(Report):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


def pointers(folder):
    files = []
    for number, (path, data) in enumerate(FILES.items()):
        place = folder / f"in-{number}"
        place.write_bytes(data)
        given = Input(
            stage="stable", uses="promote", name=path.rpartition("/")[2], path=str(place),
            sha256=hashlib.sha256(data).hexdigest(), size=len(data), role="report",
        )  # fmt: skip
        files.append(PointerFile(path=path, file=given))
    return MadePointers(latest="1.0+7", channels={"stable": "1.0+6"}, files=tuple(files))


def job(folder, *targets, **changes):
    return Job(
        **{
            "project": "almanac",
            "name": "stable",
            "stage": {"uses": "promote", "channel": "stable", "targets": targets},
            "run": RunFacts(
                number=7, revision="ab" * 20, branch="main", committed_at=1, version="1.0+7"
            ),
            "release": MadeRelease(manifest_sha256="0" * 64, pointers=pointers(folder)),
            "output": str(folder / "output"),
            "cache": str(folder / "cache"),
            "state": str(folder / "state"),
            **changes,
        }
    )


def target(name):
    return {"kind": "folder", "name": name, "path": name}


def test_each_target_gets_what_was_rendered_and_nothing_of_a_release(tmp_path):
    for name in ("www", "mirror"):
        (tmp_path / "state" / name / "almanac" / "1.0+7").mkdir(parents=True)
    report = Recorder()
    run(job(tmp_path, target("www"), target("mirror")), report)
    for name in ("www", "mirror"):
        home = tmp_path / "state" / name / "almanac"
        for path, data in FILES.items():
            assert (home / path).read_bytes() == data
        assert str((home / "latest").readlink()) == "1.0+7"
        assert list((home / "1.0+7").iterdir()) == []
    said = [one.text for one in report.events if isinstance(one, Summary)]
    assert said == ["stable of almanac is 1.0+6, and at 2 targets"]


def test_without_targets_the_master_has_done_it(tmp_path):
    report = Recorder()
    run(job(tmp_path), report)
    assert [one.text for one in report.events] == ["stable of almanac is 1.0+6"]


def test_one_that_fails_does_not_keep_the_others_from_it(tmp_path):
    (tmp_path / "state" / "mirror" / "almanac").mkdir(parents=True)
    (tmp_path / "state" / "www").write_text("a file")
    with pytest.raises(StageFailed, match=r"is 1\.0\+6, but not everywhere: www: "):
        run(job(tmp_path, target("www"), target("mirror")), Recorder())
    assert (tmp_path / "state" / "mirror" / "almanac" / "index.html").read_bytes() == b"<p>"


def test_a_stop_ends_the_waiting_for_another_try(tmp_path, monkeypatch):
    tries = []

    def point(self, given):
        tries.append(given)
        if len(tries) == 1:
            # Later than the thread's start, which a signal would end, too.
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            msg = "503"
            raise TryAgain(msg, 5)

    def stop(*_):
        msg = "stopped"
        raise Stopped(msg)

    monkeypatch.setattr(FolderCopy, "point", point)
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(Stopped):
            run(job(tmp_path, target("www")), Recorder())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(tries) == 1


def test_another_kind_of_stage_is_refused(tmp_path):
    other = {"uses": "publish", "targets": []}
    with pytest.raises(WrongInput, match="promotes nothing"):
        run(job(tmp_path, stage=other), Recorder())


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//b", "a\\b", ".", "", "a/\n"])
def test_a_path_leads_nowhere_else(tmp_path, path):
    file = pointers(tmp_path).files[0].file
    with pytest.raises(ValueError, match="path"):
        PointerFile(path=path, file=file)
