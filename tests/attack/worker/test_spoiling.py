"""A stage spoils its place on the worker; later runs, also of other projects, see nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="Linux alone")]

#: Each run of the stage finds a clean place, and does one of these to it at its end.
WAYS = """
def unreadable():
    os.chmod("..", 0)

def immutable():
    open("stuck", "w").close()
    for place in ("stuck", ".", "..", output):
        subprocess.run(["chattr", "+i", place])

def removed():
    shutil.rmtree(parent, ignore_errors=True)

def link():
    os.rename(parent, parent + ".moved")
    os.symlink(victim, parent)

def pipe():
    os.rename(parent, parent + ".moved2")
    os.mkfifo(parent)

def links():
    for name in ("build", "output", "input"):
        path = os.path.join(parent, name)
        os.path.isdir(path) and os.rename(path, path + ".old")
        os.symlink(victim, path)

def deep():
    for _ in range(1500):
        os.mkdir("d" * 20)
        os.chdir("d" * 20)

def hooks():
    os.makedirs(".git/hooks", exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "fsmonitor"):
        with open(".git/hooks/" + name, "w") as stream:
            stream.write("#!/bin/sh\\ntouch " + victim + "/hooked\\n")
        os.chmod(".git/hooks/" + name, 0o755)
    with open(".git/config", "a") as stream:
        stream.write("[core]\\n fsmonitor = .git/hooks/fsmonitor\\n")

def cache():
    base = os.path.dirname(parent)
    os.path.lexists(base + "/cache") and os.rename(base + "/cache", base + "/cache.moved")
    os.symlink(victim, base + "/cache")

def daemon():
    if os.fork() == 0:
        os.setsid()
        os.environ["SLIPWAY_DEPLOYED"] = "demo/staging"
        words = [sys.executable, "-c", "import time; time.sleep(600)"]
        os.execve(sys.executable, words, os.environ)
"""
NAMES = [line.split("(")[0][4:] for line in WAYS.splitlines() if line.startswith("def ")]


def _program(victim: Path) -> str:
    head = textwrap.dedent(
        f"""
        import os, shutil, subprocess, sys
        victim, output = {str(victim)!r}, os.environ["SLIPWAY_OUTPUT"]
        parent = os.path.dirname(os.getcwd())
        found = sorted(os.listdir(".")), os.listdir(output)
        assert found == ([".git", "notes.txt"], []), found
        assert os.path.dirname(output) == parent, (output, parent)
        open(os.path.join(output, "left.txt"), "w").write("left")
        number = int(os.environ["SLIPWAY_RUN"])
        """
    )
    tail = f"\nways = [{', '.join(NAMES)}]\nif number <= len(ways): ways[number - 1]()\n"
    return head + WAYS + tail


def test_whatever_a_stage_does_to_its_place_the_next_one_is_clean(site, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    honest = "import os; assert sorted(os.listdir('.')) == ['.git', 'notes.txt'], os.listdir('.')"
    other = command("check", honest).replace("project.demo", "project.other")
    other = (
        f'[project.other]\nrepository = {json.dumps(str(site.repository))}\npoll = "12h"\n{other}'
    )
    site.write(command("spoil", _program(victim)) + other)
    site.up()
    others = 0
    try:
        for number in range(1, len(NAMES) + 2):
            if number > 1:
                done = site.run_slipway("trigger", "--project", "demo", "--no-wait")
                assert done.returncode == 0, done.stdout + done.stderr
            run = _run(site, "demo", number)
            what = NAMES[number - 2] if number > 1 else "nothing"
            assert run["state"] == "passed", f"after {what}: {run}\n{site.said()}"
            if number % 3 == 0:
                others += 1
                done = site.run_slipway("trigger", "--project", "other", "--no-wait")
                assert done.returncode == 0, done.stdout + done.stderr
                assert _run(site, "other", others + 1)["state"] == "passed", (
                    f"{what}\n{site.said()}"
                )
        assert list(victim.iterdir()) == []
        assert "quarantine" not in (site.state / "master" / "twistd.log").read_text()
    finally:
        words = ["chattr", "-R", "-f", "-i", str(site.state / "workers")]
        subprocess.run(words, capture_output=True, check=False)


def _run(site, project, number):
    def look():
        for run in site.runs():
            if (run["project"], run["number"]) == (project, number) and run["state"] != "running":
                return run
        return None

    return wait_for(look, lambda: f"run {number} of {project}: {site.runs()}\n{site.said()}")
