"""The bundle's program: what it refuses, in one sentence each, before anything is changed."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import slipway.workers.bundle
from slipway.workers.bundle import set_up_worker

pytestmark = pytest.mark.slow
PROGRAM = Path(slipway.workers.bundle.__file__).parent / "set_up_worker.py"
#: The Python that environments are made from: a worker is not set up by an environment's.
BASE = str(Path(sys.base_prefix) / "bin" / "python3")


@pytest.fixture
def bundle(tmp_path):
    """An unpacked bundle whose wheel is empty."""
    folder = tmp_path / "win1"
    folder.mkdir()
    (folder / "set_up_worker.py").write_bytes(PROGRAM.read_bytes())
    (folder / "slipway-0-py3-none-any.whl").write_bytes(b"no wheel")
    facts = {
        "name": "win1",
        "host": "127.0.0.1",
        "port": 1,
        "fingerprint": "",
        "password": "quite-secret-indeed",
        "wheel": "slipway-0-py3-none-any.whl",
        "sha256": hashlib.sha256(b"no wheel").hexdigest(),
    }
    (folder / "worker.json").write_text(json.dumps(facts))
    return folder


def run(bundle, *words, python=BASE, **env):
    done = subprocess.run(
        [python, "-I", str(bundle / "set_up_worker.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )
    assert "Traceback" not in done.stderr
    assert "quite-secret-indeed" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("lost", ["worker.json", "slipway-0-py3-none-any.whl"])
def test_half_a_bundle_is_refused(bundle, lost):
    (bundle / lost).unlink()
    done = run(bundle)
    assert (done.returncode, "is no whole bundle" in done.stderr) == (2, True)


def test_a_changed_wheel_is_refused(bundle, tmp_path):
    (bundle / "slipway-0-py3-none-any.whl").write_bytes(b"evil")
    done = run(bundle, "--folder", str(tmp_path / "there"))
    assert (done.returncode, "is another file than the bundle" in done.stderr) == (2, True)
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("name", ["../evil", "a b", "", "x" * 64])
def test_a_name_that_leads_elsewhere_is_refused(bundle, name):
    facts = json.loads((bundle / "worker.json").read_text())
    (bundle / "worker.json").write_text(json.dumps({**facts, "name": name}))
    done = run(bundle)
    assert (done.returncode, "a name that no worker can have" in done.stderr) == (2, True)


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_made(bundle, tmp_path):
    place = tmp_path / "a repository"
    (place / ".git").mkdir(parents=True)
    done = run(bundle, "--folder", str(place / "worker"), python=sys.executable, PATH="/nowhere")
    assert done.returncode == 3
    assert "is a virtual environment; use the Python it was made from" in done.stderr
    assert "git is missing; install it: apt install git" in done.stderr
    assert "a folder with a space in its path" in done.stderr
    assert "it lies in the git repository" in done.stderr
    assert not (place / "worker").exists()


def test_a_folder_is_written_whole(bundle):
    done = run(bundle, "--folder", "here")
    assert (done.returncode, "write the whole path" in done.stderr) == (3, True)


def test_an_old_python_is_refused_first(monkeypatch):
    monkeypatch.setattr(set_up_worker.sys, "version_info", (3, 8, 1))
    assert [*set_up_worker._check_machine()] == [
        f"Python 3.11 or newer is needed, and {sys.executable} is 3.8.1; install it"
    ]


def test_removing_what_is_not_there_is_no_error(bundle, tmp_path):
    done = run(bundle, "--remove", "--folder", str(tmp_path / "there"))
    if os.geteuid() == 0:
        assert (done.returncode, "there is no worker in" in done.stdout) == (0, True)
    else:
        assert (done.returncode, "needs root" in done.stderr) == (3, True)
