"""The application's end: nothing of it is left, however it was made and however the runner went."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
from slipway.scripts.stages.features.application.watchdog import belongings, end_all
from tests.support.processes import alive

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks and signals")]
SERVER = Path(__file__).parents[4] / "data" / "application" / "server.py"
PYTHON = (sys.executable, "-I", "-S", str(SERVER))
#: Words for the server, and how many processes it is then.
SHAPES = {
    "plain": ((), 1),
    "forks": (("fork=3",), 4),
    "daemonises": (("daemon",), 2),
    "clears its environment": (("daemon", "bare"), 3),
    "will not end": (("fork=1", "daemon", "stubborn"), 3),
    "goes to the background": (("background", "fork=1"), 2),
}
if sys.platform != "linux":
    # Only there does an orphan without our mark stay below its watchdog.
    del SHAPES["clears its environment"]
shapes = pytest.mark.parametrize(("words", "count"), SHAPES.values(), ids=SHAPES)


def read_pids(file, count):
    """Wait until as many processes have said their ids; a background's parent is gone already."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pids = [int(line) for line in file.read_text().split()] if file.exists() else []
        if len(pids) >= count:
            return pids
        time.sleep(0.01)
    raise AssertionError(pids)


def wait_gone(pids, seconds):
    end = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < end:
        time.sleep(0.02)
    assert left == []


def check_for(app, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.check()


def make(tmp_path, *words, **more):
    return ApplicationSettings(
        (*PYTHON, f"pids={tmp_path / 'pids'}", *words), log=tmp_path / "app.log", **more
    )


@shapes
def test_a_stop_leaves_nothing(tmp_path, words, count):
    with Application(make(tmp_path, *words, grace=0.3)) as app:
        pids = read_pids(tmp_path / "pids", count)
        watchdog = app._keeper._process.pid
        app.check()
    assert [pid for pid in pids if alive(pid)] == []
    assert not alive(watchdog)


@shapes
def test_a_failed_start_leaves_nothing(tmp_path, words, count):
    with pytest.raises(StageFailed, match="not healthy within"):
        Application(make(tmp_path, *words, "status=500", patience=0.8, grace=0.3)).start()
    wait_gone(read_pids(tmp_path / "pids", count), 0)


RUNNER = """
    import sys, time
    from pathlib import Path
    from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
    log, seed, *command = sys.argv[1:]
    seeds = {"shop": Path(seed)}
    with Application(ApplicationSettings(tuple(command), log=Path(log), seeds=seeds)) as app:
        print(app._keeper._process.pid, app._seeds.folder, flush=True)
        EXTRA
        time.sleep(60)
"""


def run_runner(tmp_path, *words, extra="pass"):
    (tmp_path / "seed").write_text("seed")
    pids = f"pids={tmp_path / 'pids'}"
    code = textwrap.dedent(RUNNER).replace("EXTRA", extra)
    command = [tmp_path / "app.log", tmp_path / "seed", *PYTHON, pids, *words]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@shapes
def test_a_killed_runner_leaves_nothing(tmp_path, words, count, how):
    with run_runner(tmp_path, *words) as runner:
        watchdog, folder = runner.stdout.readline().split()
        pids = [*read_pids(tmp_path / "pids", count), int(watchdog)]
        assert Path(folder).is_dir()
        os.killpg(runner.pid, how)
        runner.wait()
        wait_gone(pids, 5)
    assert not Path(folder).exists()


def test_a_killed_runner_that_has_forked_leaves_nothing(tmp_path):
    # The child holds the pipe to the watchdog open.
    extra = "import os; os.fork() or (print(os.getpid(), flush=True), time.sleep(60))"
    with run_runner(tmp_path, "fork=1", extra=extra) as runner:
        runner.stdout.readline()
        child = int(runner.stdout.readline())
        pids = read_pids(tmp_path / "pids", 2)
        runner.kill()
        runner.wait()
        try:
            wait_gone(pids, 5)
            assert alive(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_runner_killed_amid_the_start_leaves_nothing(tmp_path):
    for pause in (0.1, 0.2, 0.3, 0.4, 0.5):
        with run_runner(tmp_path, "fork=2", "daemon", "status=500") as runner:
            time.sleep(pause)
            family = psutil.Process(runner.pid).children(recursive=True)
            runner.kill()
            runner.wait()
            wait_gone([one.pid for one in family], 5)
    time.sleep(0.2)
    file = tmp_path / "pids"
    wait_gone([int(pid) for pid in file.read_text().split()] if file.exists() else [], 5)


def test_a_killed_watchdog_is_told_and_leaves_nothing(tmp_path):
    with Application(make(tmp_path, "fork=2", "daemon", grace=0.5)) as app:
        pids = read_pids(tmp_path / "pids", 4)
        app._keeper._process.kill()
        app._keeper._process.wait()
        for _ in range(2):
            with pytest.raises(StageFailed, match="process that watches the application is gone"):
                check_for(app, 5)
    assert [pid for pid in pids if alive(pid)] == []


def test_a_dead_application_leaves_no_children_either(tmp_path):
    app = Application(make(tmp_path, "fork=2", "daemon", "exit=4", "wait=0.3"))
    with pytest.raises(StageFailed, match="exit code 4 before it was healthy"):
        app.start()
    wait_gone(read_pids(tmp_path / "pids", 1), 0)


def test_an_application_in_the_background_is_seen_to_end(tmp_path):
    with Application(make(tmp_path, "background")) as app:
        app.check()
        asked = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
        with contextlib.closing(asked), contextlib.suppress(http.client.HTTPException, OSError):
            asked.request("GET", "/end")
            asked.getresponse()
        with pytest.raises(StageFailed, match=r"the application (listens no more|ended with)"):
            check_for(app, 5)


def test_applications_side_by_side_end_their_own_processes_alone(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
    with Application(make(first, "daemon")) as kept:
        mine = read_pids(first / "pids", 2)
        with Application(make(second, "daemon")):
            read_pids(second / "pids", 2)
        kept.check()
        assert all(alive(pid) for pid in mine)


def test_a_polite_end_comes_first(tmp_path):
    code = (
        "import signal, sys, os, http.server\n"
        "def end(*_):\n    open(sys.argv[1], 'w').write('bye'); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])),"
        " http.server.BaseHTTPRequestHandler).serve_forever()\n"
    )
    command = (sys.executable, "-c", code, str(tmp_path / "bye"))
    made = ApplicationSettings(command, log=tmp_path / "log", health_status=501)
    with Application(made):
        pass
    assert (tmp_path / "bye").read_text() == "bye"


def test_what_is_started_while_all_is_ended_is_ended_too():
    # Each child starts the next before it ends, when asked to end.
    code = (
        "import os, signal, sys, time\n"
        "def again(*_):\n"
        "    if os.fork():\n        os._exit(0)\n"
        "signal.signal(signal.SIGTERM, again)\nprint('ready', flush=True)\ntime.sleep(600)\n"
        "time.sleep(600)\n"
    )
    env = os.environ | {"SLIPWAY_MARKS": "outer:one-test"}
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE)
    process.stdout.readline()
    threading.Thread(target=process.wait, daemon=True).start()
    assert belongings("another", []) == []
    assert end_all(lambda: belongings("one-test", []), 0.5) == []
    assert belongings("one-test", []) == []
    process.stdout.close()
