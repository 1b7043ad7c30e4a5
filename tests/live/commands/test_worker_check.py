"""`slipway worker check` of a worker that is connected: on its machine, and through the master."""

from __future__ import annotations

import json

import pytest

from tests.support.far import expect_far, far_worker, fingerprint
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

#: Added to the worker's buildbot.tac: it answers what the file says, and not what is so.
LYING = """
import pathlib
answer = pathlib.Path(basedir, "answer")
worker.bot.remote_slipway_check = lambda: eval(answer.read_text())
"""
LIE = {
    "version": "9.9.9\x1b[2J",
    "time": 0,
    "right": True,
    "lines": [
        *[{"check": "x" * 99, "state": "good", "found": "y" * 9999, "advice": "\x1b[31m"}] * 500,
        {"check": 1, "state": "fine", "found": None},
        "no line",
    ],
}


@pytest.fixture
def checked(site):
    """A site that expects the worker far by TLS, and a runner of the check."""
    site.worker_tls = True
    site.write(command("make", "import time; time.sleep(3)", runs_on='["far"]'))
    expect_far(site)
    site.up()

    def check(*words):
        done = site.run_slipway("worker", "check", *words)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return check


def test_a_connected_worker_is_checked_from_both_sides(site, checked):
    known = fingerprint(site)
    gone = checked("--name", "far")
    assert gone.returncode == 1
    assert "it is not connected; check it on its machine: slipway worker check DIR" in gone.stdout
    unknown = checked("--name", "nobody")
    assert (unknown.returncode, 'no worker "nobody"' in unknown.stderr) == (2, True)

    with far_worker(site, options=("--fingerprint", known)) as folder:
        master = site.folder / "far" / ".master.json"
        wait_for(master.exists, site.said)
        # While it runs a stage, which goes on.
        site.wait_for_stage(1, "make", "running")
        far = checked("--name", "far", "--json")
        found = json.loads(far.stdout)
        here = checked(str(folder))
        assert site.wait_for_run(1)["state"] == "passed", site.said()
    assert (far.returncode, found["worker"], found["right"]) == (0, "far", True), far.stdout
    lines = {one["check"]: one for one in found["lines"]}
    assert lines["slipway"]["found"].endswith(", as on the master")
    for name in ("python", "buildbot", "git", "uv", "encoding", "long paths", "folder", "cache"):
        assert lines[name]["state"] == "good", lines[name]
    for name in ("master", "connected", "clock"):
        assert lines[name]["state"] == "good", lines[name]
        assert f"✓ {name}" in here.stdout, here.stdout
    assert here.returncode == 0, here.stdout
    assert "✓ far: all right" in here.stdout
    assert not [one.name for one in folder.iterdir() if one.name.startswith(".check")]

    wrong = checked(str(folder), "--json")
    assert wrong.returncode == 0, wrong.stdout
    tac = folder / "buildbot.tac"
    tac.write_text(tac.read_text().replace(known, f"sha256:{'0' * 64}"))
    other = checked(str(folder))
    assert other.returncode == 1
    assert f"has another certificate, {known}" in other.stdout


def test_what_a_worker_says_is_not_believed(site, checked):
    known = fingerprint(site)
    with far_worker(site, more=LYING, options=("--fingerprint", known)) as folder:
        (folder / "answer").write_text(repr(json.dumps(LIE)[:90_000]))
        broken = checked("--name", "far")
        (folder / "answer").write_text(repr(json.dumps({**LIE, "lines": LIE["lines"][-5:]})))
        lied = checked("--name", "far", "--json")
        answers = {"None": "makes no sense", "[1] * 900": "makes no sense", "1 / 0": "it failed"}
        for answer, sentence in answers.items():
            (folder / "answer").write_text(answer)
            odd = checked("--name", "far")
            assert (odd.returncode, sentence in odd.stdout) == (1, True), odd.stdout
    assert (broken.returncode, "its answer makes no sense" in broken.stdout) == (1, True)
    lines = json.loads(lied.stdout)["lines"]
    assert lied.returncode == 1
    assert [len(one["check"]) <= 20 and len(one["found"]) <= 500 for one in lines] == [True] * 6
    assert "\x1b" not in lied.stdout
    assert (lines[0]["check"], lines[0]["state"]) == ("slipway", "good")
    assert (lines[-1]["check"], lines[-1]["state"]) == ("clock", "wrong")
