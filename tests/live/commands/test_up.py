"""`slipway up`: what it starts and ends, who dies under it, and what keeps it from starting."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import find_below, wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

WRITE = "import pathlib; pathlib.Path('out.txt').write_text('made')"
CHAIN = (
    command("make", WRITE, artefacts='["out.txt"]')
    + command("look", "print('looking')")
    + command("join", "import os; print(os.environ['SLIPWAY_INPUTS'])", "make", "look")
)


def command_lines() -> Iterator[list[str]]:
    """Return the command line of each process of this machine."""
    return (one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]))


SLOW = "import time, pathlib; pathlib.Path('ran').touch(); time.sleep(4)"


@pytest.mark.parametrize("way", ["kill the master", "end it", "kill the worker"])
def test_runs_go_on(site: LiveSite, way: str) -> None:
    """Whoever dies in the middle of a stage: the run goes on, and ends as if nothing had been."""
    site.isolated = True
    site.write(command("slow", SLOW) + command("after", "print(1)", "slow"))
    process = site.up()
    site.wait_for_stage(1, "slow", "running")
    wait_for(lambda: find_below(site.folder / "state" / "workers" / "local", "ran"), site.said)
    if way == "kill the worker":
        site.worker().kill()
        wait_for(lambda: "the worker local ended (killed by SIGKILL)" in site.said(), site.said)
    else:
        if way == "kill the master":
            site.master().kill()
            assert process.wait(30) == 3
        else:
            assert site.down(signal.SIGTERM) == 0
        assert not site.processes()
        site.up()
    run = site.wait_for_run(1)
    assert run["state"] == "passed"
    assert {name: stage["state"] for name, stage in run["stages"].items()} == {
        "slow": "passed",
        "after": "passed",
    }
    assert len(site.runs()) == 1


#: Ends the worker that it runs below, which is of its own user.
MURDER = """
import os, signal, pathlib
number = os.getpid()
while number > 1:
    folder = pathlib.Path(f"/proc/{number}")
    if b"buildbot" + b".tac" in (folder / "cmdline").read_bytes():
        os.kill(number, signal.SIGKILL)
        break
    number = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
"""


@pytest.mark.slow
def test_a_stage_that_ends_its_worker_ends_nothing_else(site: LiveSite) -> None:
    """The site goes on, the stage fails in the end, and another stage is done.

    A worker that is of the stage's user: what has a user of its own cannot be ended by it.
    """
    site.write(command("murder", MURDER) + command("honest", "print(1)", on_failure='["murder"]'))
    process = site.up()
    site.wait_for_stage(1, "murder", "failed")
    run = site.wait_for_run(1)
    assert process.poll() is None, site.said()
    assert run["stages"]["murder"]["state"] == "failed"
    assert "the worker was lost 4 times" in run["stages"]["murder"]["summary"]
    assert run["stages"]["honest"]["state"] == "passed"


#: Stops the worker that it runs below, or leaves it no file to open, and goes on.
MEDDLING = MURDER.replace("os.kill(number, signal.SIGKILL)", "MEDDLE")
MEDDLES = {
    "stop": "os.kill(number, signal.SIGSTOP)",
    "limit": "__import__('resource').prlimit(number, 7, (3, 3))",
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own calls")
@pytest.mark.parametrize("way", MEDDLES)
def test_a_worker_that_a_stage_meddles_with_works_on(site: LiveSite, way: str) -> None:
    code = MEDDLING.replace("MEDDLE", MEDDLES[way])
    # What it does to its worker may fail it as well, where the machine is busy.
    meddle = command("meddle", code, allow_failure="true")
    site.write(meddle + command("honest", "print(1)", "meddle"))
    process = site.up()
    site.wait_for_run(1)
    wait_for(lambda: "the worker local " in site.said(), site.said)
    assert process.poll() is None, site.said()
    if site.run(1)["state"] == "failed":
        # It began before anybody had looked at its worker.
        assert site.run_slipway("rerun", "1", "honest").returncode == 0
    assert site.wait_for_stage(1, "honest", "passed")


@pytest.mark.parametrize("isolated", [True, False])
def test_ctrl_c_ends_everything_it_started_and_nothing_else(
    site: LiveSite, *, isolated: bool
) -> None:
    """Also what a stage's program has started in sessions of its own."""
    site.isolated = isolated
    mark = f"mark-{uuid4()}"
    code = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', '{mark}'],"
        " start_new_session=True); time.sleep(300)"
    )
    site.write(command("hang", code))
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        site.up()
        site.wait_for_stage(1, "hang", "running")
        wait_for(lambda: any(mark in one[-1:] for one in command_lines()), site.said)
        assert site.down() == 130
        assert not site.processes()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_port_in_use(site: LiveSite) -> None:
    site.write(CHAIN)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", site.web_port))
        taken.listen()
        done = site.run_slipway("up", "--once")
    assert done.returncode == 2
    assert f"site.url: port {site.web_port} on 127.0.0.1 cannot be used" in done.stderr
    assert not site.processes()


def test_a_second_up_on_the_same_folder(site: LiveSite) -> None:
    site.write(CHAIN)
    site.up()
    second = site.run_slipway("up")
    assert second.returncode == 2
    assert "is in use by another `slipway up`" in second.stderr
    assert site.wait_for_run(1)["state"] == "passed"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nowhere", "cannot be read"),
        ("empty", "has no commits; make the first one"),
        ("other", 'has no branch, tag or commit "main"; its branches are trunk'),
    ],
)
def test_a_repository_that_cannot_be_used(site: LiveSite, name: str, expected: str) -> None:
    target = site.folder / name
    if name != "nowhere":
        subprocess.run(["git", "init", "-q", "-b", "trunk", str(target)], check=True)
    if name == "other":
        shutil.copytree(site.repository / ".git", target / ".git", dirs_exist_ok=True)
        subprocess.run(["git", "-C", str(target), "branch", "-m", "main", "trunk"], check=True)
    site.write(CHAIN, repository=name)
    done = site.run_slipway("up", "--once")
    assert done.returncode == 2, done.stdout
    assert expected in done.stdout
    assert "project.demo.repository" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert site.runs() == []


def test_errors_in_the_file_are_told_before_anything_starts(site: LiveSite) -> None:
    site.write(CHAIN.replace("argv", "arg"))
    done = site.run_slipway("up")
    assert done.returncode == 2
    assert 'unknown key "arg". Did you mean "argv"?' in done.stderr
    assert not (site.state / "master").exists()


def test_the_state_folder_holds_everything(site: LiveSite) -> None:
    """Deleting it gives a new site; nothing else was written."""
    site.write(CHAIN)
    before = {path.name for path in site.folder.iterdir()}
    assert site.run_slipway("up", "--once").returncode == 0
    assert {path.name for path in site.folder.iterdir()} == before | {"state"}
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(site.state).glob("*password")}
    assert modes == {"admin-password": 0o600, "worker-local-password": 0o600}
