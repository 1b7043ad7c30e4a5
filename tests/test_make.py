"""`make`: what `clean` leaves, what `stop` ends. Nothing of the repository's own is touched."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
KEPT = (
    *("state.sqlite", "store/ab/cd", "releases/demo/1+1/release.json", "admin-password"),
    *("almanac/NOTE.md", "local/demo/releases/x", "deployed/staging/data/book.db"),
)
GONE = ("cache/uv/x", "mypy/x", "workers/local/cache/x")
#: Says that it runs, and does until it is ended.
SERVER = "import time; print('up', flush=True); time.sleep(300)"
#: Holds its place's lock as the almanac does, and says that another process did.
LIAR = (
    "import fcntl, sys, time; lock = open('data/lock', 'a+'); fcntl.flock(lock, fcntl.LOCK_EX);"
    "lock.truncate(0); lock.write(sys.argv[1]); lock.flush(); print('up', flush=True);"
    "time.sleep(300)"
)


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "deployed.py", tmp_path / "scripts")
    for name in (*KEPT, *GONE):
        file = tmp_path / ".slipway" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("kept")
    (tmp_path / ".venv").mkdir()
    return tmp_path


def make(folder, *words):
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def there(folder, names):
    return {name for name in names if (folder / ".slipway" / name).exists()}


def test_clean_leaves_what_cannot_be_made_again(folder):
    done = make(folder, "clean")
    assert done.returncode == 0, done.stderr
    assert there(folder, KEPT) == set(KEPT)
    assert there(folder, GONE) == set()
    assert not (folder / ".venv").exists()
    assert make(folder, "clean").returncode == 0


def test_clean_of_all_is_asked_for_by_name(folder):
    assert make(folder, "clean", "ALL=1").returncode == 0
    assert not (folder / ".slipway").exists()


def test_clean_takes_nothing_from_a_site_that_runs(folder):
    with (folder / ".slipway" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in ("clean",), ("clean", "ALL=1"):
            done = make(folder, *words)
            assert done.returncode == 2
            assert "a site runs in .slipway; end it first" in done.stderr
    assert there(folder, (*KEPT, *GONE)) == {*KEPT, *GONE}
    assert (folder / ".venv").exists()


@pytest.fixture
def place(folder):
    made = folder / ".slipway" / "deployed" / "staging"
    (made / "releases" / "1").mkdir(parents=True)
    (made / "current").symlink_to("releases/1")
    return made


def serve(place, code, *words, **env):
    server = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=place,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout.readline() == "up\n"
    return server


@pytest.mark.parametrize("words", [("stop",), ("clean", "ALL=1")])
def test_what_was_deployed_is_ended(folder, place, words):
    with serve(place, SERVER, SLIPWAY_DEPLOYED="almanac/staging") as server:
        try:
            done = make(folder, *words)
            assert done.returncode == 0, done.stderr
            assert "nothing of .slipway/deployed/staging runs any more" in done.stdout
            assert server.wait(60) < 0
        finally:
            server.kill()


def test_what_was_deployed_is_neither_run_nor_believed(folder, place):
    """It is what committers have written; `make stop` may be root's."""
    program = place / "releases" / "1" / "almanac" / "deploy" / "restart.py"
    program.parent.mkdir(parents=True)
    program.write_text(f"open({str(folder / 'was-run')!r}, 'w').close()")
    servers = [serve(folder, SERVER, SLIPWAY_DEPLOYED="almanac/staging"), serve(place, SERVER)]
    servers.append(serve(place, LIAR, str(servers[0].pid), SLIPWAY_DEPLOYED="almanac/staging"))
    try:
        assert make(folder, "stop").returncode == 0
        assert servers[2].wait(60) < 0
        assert [one.poll() for one in servers[:2]] == [None, None]
        assert not (folder / "was-run").exists()
    finally:
        for one in servers:
            one.kill()
            one.wait()
            one.stdout.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="this is not root")
def test_what_is_another_users_is_not_ended_for_a_place(folder, place):
    """A worker may carry the mark and work where it likes: what it cannot be is somebody else."""
    os.chown(place, 54321, 54321)
    with serve(place, SERVER, SLIPWAY_DEPLOYED="almanac/staging") as server:
        try:
            assert make(folder, "stop").returncode == 0
            assert server.poll() is None
        finally:
            server.kill()


def test_stop_where_nothing_was_deployed(folder):
    shutil.rmtree(folder / ".slipway")
    done = make(folder, "stop")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
