"""The file a worker starts from."""

import ast
import stat
import subprocess
import sys

import pytest

from slipway.workers.worker_tac import WorkerPlace, write_tac

PASSWORD = "quite-secret-indeed"


@pytest.fixture
def place(tmp_path):
    secret = tmp_path / "pass 'word' {file}"
    secret.write_text(f"{PASSWORD}\nonly the first line counts\n", "utf-8")
    return WorkerPlace(tmp_path / "workers" / "win1", "win1", "releases.example.org", 9989, secret)


def test_it_is_python_and_holds_no_password(place):
    tac = write_tac(place)
    assert tac == place.folder / "buildbot.tac"
    text = tac.read_text("utf-8")
    ast.parse(text)
    assert "buffer_timeout = 0.25" in text
    for file in (path for path in place.folder.rglob("*") if path.is_file()):
        assert PASSWORD not in file.read_text("utf-8")


def test_doing_it_again_changes_nothing(place):
    first = write_tac(place).read_text("utf-8")
    assert write_tac(place).read_text("utf-8") == first
    assert {path.name for path in (place.folder / "info").iterdir()} == {"admin", "host"}
    assert not stat.S_IMODE((place.folder / "buildbot.tac").stat().st_mode) & stat.S_IWOTH


@pytest.mark.slow
def test_buildbot_takes_it(place):
    pytest.importorskip("buildbot_worker")
    tac = write_tac(place)
    program = (
        f"space = {{'__file__': {str(tac)!r}}}\n"
        f"exec(compile(open({str(tac)!r}).read(), 'tac', 'exec'), space)\n"
        "worker = space['worker']\n"
        "print(worker.bot.buffer_timeout, space['password'], worker.bot.basedir)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["0.25", PASSWORD, str(place.folder)]


@pytest.mark.slow
def test_it_does_slipways_own_commands_and_nobody_looks_into_it(place):
    pytest.importorskip("buildbot_worker")
    tac = write_tac(place)
    program = (
        f"space = {{'__file__': {str(tac)!r}}}\n"
        f"exec(compile(open({str(tac)!r}).read(), 'tac', 'exec'), space)\n"
        "from buildbot_worker.commands import registry\n"
        "import ctypes, sys\n"
        "print(*sorted(n for n in registry.getAllCommandNames() if n.startswith('slipway.')))\n"
        "print(space['worker'].bot.WorkerForBuilder.__name__)\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform == 'linux' else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "slipway.begin slipway.code slipway.end slipway.give slipway.take",
        "StageBuilder",
        "0",
    ]
