"""The bundle of a worker on Linux, for real: set up in one go, connected, again, removed."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slipway.scripts import removal
from slipway.scripts.guard import die_with_parent
from tests.support.far import FAR
from tests.support.git_daemon import git_daemon
from tests.support.site import command

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a system user: needs root"),
]
_PYTHON = "/usr/bin/python3"


@pytest.fixture
def machine(site):
    """A site that expects a worker, and a folder for it that its user may enter."""
    if not Path(_PYTHON).exists() or not shutil.which("useradd"):
        pytest.skip(f"needs {_PYTHON}, which a system user can run, and useradd")
    usable = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run([_PYTHON, "-c", usable], check=False, capture_output=True).returncode:
        pytest.skip(f"{_PYTHON} is too old, or lacks venv")
    name = f"t{secrets.token_hex(4)}"
    folder = Path("/var/lib") / f"slipway-{name}"
    stage = command("make", "print('made')", runs_on='["far"]').replace(sys.executable, "python3")
    site.env["SLIPWAY_TEST_FAR_PASSWORD"] = secrets.token_urlsafe(20)
    with git_daemon(site.folder) as address:
        # The worker's user may not enter the test's folder, as on another machine.
        site.worker_tls = True
        site.write(stage, f"{address}/source")
        file = site.folder / "pipeline.toml"
        file.write_text(file.read_text() + FAR.replace("[workers.far]", f"[workers.{name}]"))
        yield site, name, folder
    subprocess.run(["pkill", "-u", f"slipway-{name}"], check=False)
    subprocess.run(["userdel", f"slipway-{name}"], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def set_up(site, name, folder, *words):
    done = subprocess.run(
        ["sh", str(site.folder / name / "setup.sh"), "--folder", str(folder), *words],
        env={**os.environ, "PYTHON": _PYTHON},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert site.env["SLIPWAY_TEST_FAR_PASSWORD"] not in done.stdout + done.stderr
    return done


def test_a_worker_is_set_up_in_one_go_and_removed(machine):
    site, name, folder = machine
    site.up()
    master = f"127.0.0.1:{site.worker_port}"
    done = site.run_slipway("worker", "new", name, "--platform", "linux", "--master", master)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(site.folder / f"{name}.zip") as bundle:
        bundle.extractall(site.folder)

    done = set_up(site, name, folder)
    account = pwd.getpwnam(f"slipway-{name}")
    assert (folder / "password").stat().st_mode & 0o777 == 0o600
    assert (folder / "worker").stat().st_uid == account.pw_uid
    if done.returncode == 3:
        [words] = re.findall(r"no systemd runs this machine.*by: (.*)", done.stderr)
        process = subprocess.Popen(
            words.split(),
            cwd=folder / "worker",
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    else:
        assert (done.returncode, "is connected to" in done.stdout) == (0, True), done.stderr
        process = None
    run = site.wait_for_run(1)
    assert run["state"] == "passed", site.said()
    assert run["stages"]["make"]["worker"] == name
    if process is not None:
        process.terminate()
        process.wait(30)

    work, victims = folder / "worker", site.folder / "victims"
    before = (work / "buildbot.tac").read_bytes()
    # What a stage may leave, for whoever sets the worker up again as root.
    victims.mkdir()
    (victims / "tac").write_text("as it was")
    for file, target in (("buildbot.tac", "tac"), ("info", ""), ("home", "")):
        removal.remove(work / file)
        (work / file).symlink_to(victims / target)
    (work / "twistd.log").unlink()
    os.mkfifo(work / "twistd.log")
    assert set_up(site, name, folder, "--no-start").returncode == 0
    assert (work / "buildbot.tac").read_bytes() == before
    assert {one.name: one.read_text() for one in victims.iterdir()} == {"tac": "as it was"}
    assert victims.stat().st_uid == 0

    done = set_up(site, name, folder, "--remove")
    assert (done.returncode, done.stdout) == (0, f"the worker {name} is removed\n"), done.stderr
    assert not folder.exists()
    with pytest.raises(KeyError):
        pwd.getpwnam(f"slipway-{name}")
