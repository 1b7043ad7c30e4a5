"""A worker that knows its password and is hostile as a whole: its code is the attacker's."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.far import expect_far, far_worker
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [
    pytest.mark.live,
    pytest.mark.attack,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux alone"),
]

#: Added to the worker's buildbot.tac: the file "mode" says what it does, "did" what it has done.
HOSTILE = """
import pathlib
from twisted.internet import defer, task
here = pathlib.Path(basedir)
honest_give, honest_take = commands.Give.work, commands.Take.work

@defer.inlineCallbacks
def give(self):
    mode, writer = (here / "mode").read_text(), self.args["writer"]
    (here / "did").write_text(mode)
    write = lambda data: self.protocol_command.protocol_update_upload_file_write(writer, data)
    if mode == "hang":
        # Not even where it is told to end.
        yield defer.Deferred()
    elif mode == "more":
        for _ in range(4):
            yield write(b"x" * 300000)
    elif mode == "other":
        yield write(b"y" * int(self.args["size"]))
    elif mode == "endless":
        while True:
            yield write(b"x" * 300000)
            yield task.deferLater(reactor, 0.05, lambda: None)
    elif mode == "flood":
        for number in range(300):
            keys = ("problem", "header", "stdout", f"k{number}")
            flood = [(key, "flood" * 20000) for key in keys]
            self.protocol_command.send_update([*flood, ("log", ("stdio", "flood" * 20000))])
            yield task.deferLater(reactor, 0, lambda: None)
        yield honest_give(self)
    else:
        yield honest_give(self)

commands.Give.work = give
commands.register()
"""
LEAVE = """
import os
open(os.path.join(os.environ["SLIPWAY_OUTPUT"], "left.txt"), "w").write("left")
"""


def _ended(site, project, number):
    def look():
        for run in site.runs():
            if (run["project"], run["number"]) == (project, number):
                return run["state"] != "running" and run
        return None

    return wait_for(look, lambda: f"{project} run {number}: {site.runs()}\n{site.said()}", 240)


def _trigger(site, project):
    done = site.run_slipway("trigger", "--project", project, "--no-wait")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_hostile_worker_stops_nobody_else(site):
    other = command("check", "print('well')", runs_on='["linux"]')
    other = other.replace("project.demo", "project.other")
    head = f'[project.other]\nrepository = {json.dumps(str(site.repository))}\npoll = "12h"\n'
    site.write(command("leave", LEAVE, runs_on='["far"]', artefacts='["left.txt"]') + head + other)
    expect_far(site)
    site.up()
    assert _ended(site, "other", 1)["state"] == "passed"
    (site.folder / "far").mkdir()
    mode, did = (site.folder / "far" / name for name in ("mode", "did"))
    mode.write_text("hang")
    with far_worker(site, HOSTILE):
        wait_for(did.exists, site.said, 120)
        # It hangs: others go on meanwhile, and a cancel ends it.
        _trigger(site, "other")
        assert _ended(site, "other", 2)["state"] == "passed"
        done = site.run_slipway("cancel", "1", "--project", "demo")
        assert done.returncode == 0, done.stdout + done.stderr
        assert _ended(site, "demo", 1)["state"] == "cancelled"
        ways = ("more", "other", "endless", "flood", "honest")
        for number, way in enumerate(ways, start=2):
            mode.write_text(way)
            _trigger(site, "demo")
            run = _ended(site, "demo", number)
            wanted = "passed" if way in {"flood", "honest"} else "failed"
            assert run["state"] == wanted, f"{way}: {run}\n{site.said()}"
            assert did.read_text() == way
        _trigger(site, "other")
        assert _ended(site, "other", 3)["state"] == "passed"
    log = (site.state / "master" / "twistd.log").read_text()
    assert "flood" not in log
    assert len(log) < 1_000_000
