"""A worker's bundle on Windows: set up in one go, again, and removed, as a service of Windows."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.machine import wait_for
from tests.support.site import command

from .conftest import WindowsSite
from .wine import PYTHON, Windows

pytestmark = [pytest.mark.windows, pytest.mark.timeout(1200)]

FOLDER = r"C:\slipway\service"
#: Wine knows no local users: NetUserAdd says it has made one, and nothing finds it.
ACCOUNT = ("--account", "LocalSystem")
_STATE = "import win32serviceutil as s; print(s.QueryServiceStatus('SlipwayWorker-win1')[1])"
_RUNNING = "4"
STAGE = command("hello", "", runs_on='["windows"]').replace("argv = ", "# ") + (
    'argv = ["python", "-c", "import sys; print(sys.platform)"]\n'
)


@pytest.fixture
def bundle(windows: Windows, site: WindowsSite) -> str:
    """The unpacked bundle of win1, and a site that runs."""
    site.expect(STAGE)
    site.up()
    master = f"127.0.0.1:{site.worker_port}"
    done = site.run_slipway("worker", "new", "win1", "--platform", "windows", "--master", master)
    assert done.returncode == 0, done.stderr
    place = windows.path(r"C:\bundle")
    shutil.rmtree(place, ignore_errors=True)
    with zipfile.ZipFile(site.folder / "win1.zip") as files:
        files.extractall(place)
    return r"C:\bundle\win1\set_up_worker.py"


def set_up(windows: Windows, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    done = windows.run(PYTHON, "-I", program, "--folder", FOLDER, *ACCOUNT, *words, timeout=600)
    assert "Traceback" not in done.stdout, done.stdout
    return done


def state(windows: Windows) -> str:
    return windows.run(PYTHON, "-c", _STATE).stdout.split()[-1]


def test_a_worker_is_set_up_in_one_go_and_removed(
    windows: Windows, site: WindowsSite, bundle: str
) -> None:
    done = set_up(windows, bundle)
    assert done.returncode == 0, done.stdout
    assert f"the worker win1 is connected to 127.0.0.1:{site.worker_port}" in done.stdout
    assert site.env["SLIPWAY_TEST_WIN1"] not in done.stdout
    assert state(windows) == _RUNNING
    run = wait_for(lambda: site.run(1).get("state") == "passed" and site.run(1), site.said, 300)
    assert run["stages"]["hello"]["worker"] == "win1"
    _check(windows, site)

    # Killed: the service starts it again.
    log = windows.path(FOLDER) / "worker" / "twistd.log"
    connections = log.read_text().count("Connected to")
    _kill_worker(windows)
    wait_for(lambda: log.read_text().count("Connected to") > connections, log.read_text, 120)

    # Again: the same worker, no other.
    done = set_up(windows, bundle)
    assert done.returncode == 0, done.stdout
    assert state(windows) == _RUNNING

    done = set_up(windows, bundle, "--remove")
    assert (done.returncode, "is removed" in done.stdout) == (0, True), done.stdout
    assert not windows.path(FOLDER).exists()
    assert "error" in windows.run(PYTHON, "-c", _STATE).stdout
    assert set_up(windows, bundle, "--remove").returncode == 0


def _check(windows: Windows, site: WindowsSite) -> None:
    """Have the machine checked from both sides."""
    done = site.run_slipway("worker", "check", "--name", "win1", "--json")
    lines = {line["check"]: line for line in json.loads(done.stdout)["lines"]}
    for name in ("slipway", "python", "git", "master", "connected", "clock", "long paths", "cache"):
        assert lines[name]["state"] == "good", done.stdout
    assert "on" in lines["encoding"]["found"].split("UTF-8 mode ")[1], done.stdout
    # Wine has no local users, so this one runs as Windows itself.
    assert "runs as LocalSystem: its stages may do anything" in lines["service"]["found"]
    assert done.returncode == 0, done.stdout
    here = windows.run(r"C:\Python311\Scripts\slipway.exe", "worker", "check", FOLDER)
    assert "with the certificate that is known here" in here.stdout, here.stdout
    assert here.returncode == 0, here.stdout


def _kill_worker(windows: Windows) -> None:
    code = (
        "import psutil\n"
        "for one in psutil.process_iter():\n"
        "    try:\n"
        "        if 'buildbot.tac' in one.cmdline(): one.kill()\n"
        "    except psutil.Error: pass\n"
    )
    windows.done(PYTHON, "-c", code)


def test_a_wrong_fingerprint_is_told_by_the_set_up(
    windows: Windows, site: WindowsSite, bundle: str
) -> None:
    file = windows.path(r"C:\bundle\win1") / "worker.json"
    facts = json.loads(file.read_text())
    file.write_text(json.dumps({**facts, "fingerprint": f"sha256:{'0' * 64}"}))
    done = set_up(windows, bundle)
    try:
        assert done.returncode == 1, done.stdout
        assert f"was set up for sha256:{'0' * 64}: not connected" in done.stdout
    finally:
        set_up(windows, bundle, "--remove")


@pytest.mark.parametrize("folder", [r"C:\a folder\w", r"C:\Git\.git\..\w"])
def test_a_folder_that_no_worker_can_live_in_is_refused(
    windows: Windows, site: WindowsSite, bundle: str, folder: str, tmp_path: Path
) -> None:
    windows.path(r"C:\Git\.git").mkdir(exist_ok=True)
    done = windows.run(PYTHON, "-I", bundle, "--folder", folder)
    windows.path(r"C:\Git\.git").rmdir()
    assert (done.returncode, f"--folder {folder}" in done.stdout) == (3, True), done.stdout
