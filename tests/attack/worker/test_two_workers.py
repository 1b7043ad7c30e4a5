"""A stage on one worker tries to write files on another, by artefacts that nobody left."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.far import expect_far, far_worker
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="Linux alone")]

#: Part of the name of every file that must not be anywhere.
LANDED = "landed-a8c1"
FORGE = """
import glob, hashlib, json, os, subprocess, sys
output, number = os.environ["SLIPWAY_OUTPUT"], int(os.environ["SLIPWAY_RUN"])
plain = os.path.join(output, "plain.txt")
open(plain, "w").write("honest")
def names():
    yield from ("../" * depth + LANDED for depth in range(1, 9))
    for name in ("abs", "link/", "../far/buildbot.tac." ):
        yield os.path.join(VICTIM, name + LANDED)
    yield from ("C:\\\\" + LANDED, "C:" + LANDED, "\\\\\\\\host\\\\share\\\\" + LANDED)
    yield from ("..\\\\..\\\\" + LANDED, "a/../../" + LANDED, "NUL", LANDED + "\\n", LANDED + "\\0")
def paths():
    link, pipe, device = (os.path.join(output, name) for name in ("link", "pipe", "device"))
    os.symlink("/etc/passwd", link)
    os.mkfifo(pipe)
    try:
        os.mknod(device, 0o20600, os.makedev(1, 5))
    except OSError:
        os.symlink("/dev/zero", device)
    return plain, link, pipe, device, "/dev/zero", "/etc/passwd", output + "/../build/notes.txt"
def forged():
    sha = hashlib.sha256(b"honest").hexdigest()
    for name in names():
        for path in paths_:
            for size in (6, 1):
                event = {"event": "artefact", "name": name, "path": path, "sha256": sha}
                told = json.dumps({**event, "size": size})
                for code in ("", "0" * 64, "0" * 64 + " "):
                    yield "\\x1e" + code + told
def speak(text):
    pid = os.getppid()
    for _ in range(3):
        for place in [f"/proc/{pid}/fd/1", *glob.glob(f"/proc/{pid}/fd/*")]:
            try:
                with open(os.open(place, os.O_WRONLY | os.O_NONBLOCK), "w") as stream:
                    stream.write(text)
            except OSError:
                pass
        pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
        if pid < 2 or "--keyed" not in open(f"/proc/{pid}/cmdline").read():
            break
    print(text, flush=True)
    words = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"]
    subprocess.run(words, input=text, text=True, check=True)
if number == 1:
    paths_ = paths()
    speak("\\n" + "\\n".join(forged()) + "\\n")
elif number < 5:
    os.remove(plain)
    kind = (None, None, "pipe", "device", "link")[number]
    paths()
    os.rename(os.path.join(output, kind), plain)
"""
TAKE = """
import json, os
found = json.loads(os.environ["SLIPWAY_INPUTS"])
print("FOUND", found)
assert [os.path.basename(one) for one in found] == ["plain.txt"], found
assert open(found[0]).read() == "honest"
"""


def _tree(folder: Path) -> set[str]:
    """Return all that lies below a folder."""
    return {
        f"{top}/{name}" for top, folders, files in os.walk(folder) for name in (*folders, *files)
    }


def _foreign(folder: Path) -> set[str]:
    """Return what lies where a stage of the worker far has nothing to write."""
    own = (str(folder / "far" / "demo_"), str(folder / "state"), str(folder / "far" / ".left"))
    return {one for one in _tree(folder) if not one.startswith(own)}


def test_a_stage_writes_nothing_on_another_worker(site, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "link").symlink_to(tmp_path)
    head = f"LANDED, VICTIM = {LANDED!r}, {str(victim)!r}\n"
    forge = command(
        "forge", head + textwrap.dedent(FORGE), runs_on='["linux"]', artefacts='["plain.txt"]'
    )
    site.write(forge + command("take", TAKE, "forge", runs_on='["far"]'))
    expect_far(site)
    site.up()
    with far_worker(site):
        before = _foreign(tmp_path)
        assert _ended(site, 1)["state"] == "passed", f"{site.run(1)}\n{site.said()}"
        for number in range(2, 6):
            done = site.run_slipway("trigger", "--project", "demo", "--no-wait")
            assert done.returncode == 0, done.stdout + done.stderr
            # Runs 2 to 4 leave a pipe, a device and a link where an artefact is declared.
            wanted = "passed" if number == 5 else "failed"
            run = _ended(site, number)
            assert run["state"] == wanted, f"{run}\n{site.said()}"
        assert [one for one in _tree(tmp_path) if LANDED in one] == []
        assert _foreign(tmp_path) == before
        assert sorted(one.name for one in victim.iterdir()) == ["link"]
    said = (site.state / "master" / "twistd.log").read_text()
    assert "Traceback" not in said


def _ended(site, number):
    return wait_for(
        lambda: (run := site.run(number)).get("state", "running") != "running" and run,
        lambda: f"run {number}: {site.run(number)}\n{site.said()}",
        300,
    )
