"""The processes of `slipway up`: what they see, and what is said when one ends."""

import dataclasses
import os
import subprocess
import sys
import time

import psutil
import pytest

from slipway.cli.lib.child_processes import Child, Children, master
from slipway.model.errors import MissingTool

pytestmark = pytest.mark.slow

TELLS = """
import json, os, pathlib
from twisted.application import service
pathlib.Path("seen.part").write_text(json.dumps(dict(os.environ)))
pathlib.Path("seen.part").rename("seen.json")
application = service.Application("tells")
"""


@pytest.fixture
def children():
    made = Children()
    yield made
    made.end()


def wait_for(file):
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    return file.read_text()


def test_a_child_does_not_see_what_is_kept_from_it(children, tmp_path, monkeypatch):
    monkeypatch.setenv("FAR_PASSWORD", "hunter2")
    tac = tmp_path / "buildbot.tac"
    tac.write_text(TELLS)
    env = {"EXTRA": "here", "PATH": os.environ["PATH"]}
    children.start(dataclasses.replace(master(tac, {}), env=env))
    seen = wait_for(tmp_path / "seen.json")
    assert '"EXTRA": "here"' in seen
    assert "hunter2" not in seen
    children.check()


def test_a_child_is_told_on_its_input_and_nowhere_else(children, tmp_path):
    tac = tmp_path / "buildbot.tac"
    tac.write_text(
        "import sys\nheard = sys.stdin.read()\n" + TELLS.replace("dict(os.environ)", "heard")
    )
    children.start(dataclasses.replace(master(tac, {}), given="hunter2"))
    assert wait_for(tmp_path / "seen.json") == '"hunter2\\n"'
    process = children._started[0].process
    told = psutil.Process(process.pid)
    assert "hunter2" not in str(told.cmdline()) + str(told.environ())


@pytest.mark.skipif(sys.platform == "win32", reason="links are POSIX's")
def test_a_log_that_was_made_a_link_is_not_followed(children, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("Error: hunter2\n")
    tac = tmp_path / "worker" / "buildbot.tac"
    tac.parent.mkdir()
    tac.write_text("")
    (tac.parent / "twistd.log").symlink_to(secret)
    child = dataclasses.replace(
        master(tac, {}), argv=(sys.executable, "-c", ""), output=tmp_path / "worker.output.log"
    )
    children.start(child)
    with pytest.raises(MissingTool) as told:
        children.wait_for_master(tac.parent, 0)
    assert "hunter2" not in str(told.value)


def test_a_child_that_ends_is_told_with_its_last_words(children, tmp_path):
    tac = tmp_path / "buildbot.tac"
    tac.write_text("raise ValueError('no such thing')\n")
    children.start(master(tac, {}))
    with pytest.raises(MissingTool, match=r"the master ended .*ValueError: no such thing"):
        children.wait_for_master(tmp_path, 0)


def kept(folder, code):
    """A child that is started again, which runs this code."""
    return Child(
        name="worker",
        argv=(sys.executable, "-c", code),
        folder=folder,
        env=dict(os.environ),
        output=folder / "output.log",
        cwd=folder,
        tidy=lambda: None,
        ready="worker is ready",
    )


def looked_after(children, seconds=30):
    """Return what is said first of a child that ends."""
    deadline = time.monotonic() + seconds
    while not (told := children.check()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return told


KILL = "import os, pathlib; {}; os.kill(os.getpid(), 9)"


@pytest.mark.parametrize("before", ["pass", "pathlib.Path('twistd.log').unlink(missing_ok=True)"])
def test_one_that_is_killed_is_started_again_whatever_became_of_its_log(children, tmp_path, before):
    children.start(kept(tmp_path, KILL.format(before)))
    assert looked_after(children) == ["the worker ended (killed by SIGKILL) and is started again"]
    (again,) = looked_after(children)
    assert "is started again in 1 s" in again


def test_one_that_never_could_work_ends_all(children, tmp_path):
    children.start(kept(tmp_path, "raise ModuleNotFoundError('no such module')"))
    with pytest.raises(MissingTool, match=r"the worker ended .exit code 1.: .*no such module"):
        looked_after(children)


#: Starts a process whose parent ends at once, and looks after it as `slipway up` does.
ADOPTS = """import os, subprocess, sys, time
from slipway.cli.lib.child_processes import Children
children = Children()
code = "import os, sys\\nif (pid := os.fork()): print(pid); sys.exit()\\nos.setsid()"
pid = int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE).stdout)
end = time.monotonic() + 20
while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
    children.check()
    time.sleep(0.1)
print("gone" if time.monotonic() < end else "a zombie")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux alone")
def test_what_was_adopted_and_has_ended_is_gone():
    done = subprocess.run(
        [sys.executable, "-c", ADOPTS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "gone\n", done.stderr
