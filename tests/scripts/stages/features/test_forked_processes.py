"""Processes of a features run that are forks of one that has loaded behave."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.stages.features.early_start import GUEST
from slipway.scripts.stages.features.forked_processes import fork_processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone"),
]

WORDS = [sys.executable, str(GUEST)]
PATIENCE = 60


@pytest.fixture
def heeded_ctrl_c():
    """Have Ctrl+C end what is started from here, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def forked(heeded_ctrl_c, tmp_path):
    found = fork_processes(WORDS, tmp_path, clean_environment(), 3)
    yield found
    for one in found:
        one.kill()
    for one in found:
        one.wait(PATIENCE)
        close(one)


def close(process):
    for stream in (process.stdin, process.stdout):
        stream.close()


def gone(pid):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def parent_of(process):
    return psutil.Process(process.pid).ppid()


def test_processes_are_forks_of_one(forked):
    assert len({one.pid for one in forked}) == 3
    assert {parent_of(one) for one in forked} == {parent_of(forked[0])}
    assert parent_of(forked[0]) != os.getpid()
    assert [one.poll() for one in forked] == [None] * 3


def test_each_has_streams_of_its_own(forked):
    # Its standard input ends: the host needs no run, and its output ends, too.
    for one in forked:
        one.stdin.close()
        assert (one.stdout.read(), one.wait(PATIENCE)) == ("", 0)


def test_waiting_ends_after_the_time_that_is_given(forked):
    with pytest.raises(subprocess.TimeoutExpired):
        forked[0].wait(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_one_that_a_signal_ends_is_reported_alone(forked, number):
    os.kill(forked[1].pid, number)
    assert forked[1].wait(PATIENCE) == -number
    assert [forked[0].poll(), forked[2].poll()] == [None, None]


def test_one_can_be_killed_before_it_is_forked(forked):
    forked[2].kill()
    assert forked[2].wait(PATIENCE) == -signal.SIGKILL
    assert [forked[0].poll(), forked[1].poll()] == [None, None]


def test_nobody_is_left_when_all_are_killed(forked):
    parent = parent_of(forked[0])
    pids = [one.pid for one in forked]
    for one in forked:
        one.kill()
    assert [one.wait(PATIENCE) for one in forked] == [-signal.SIGKILL] * 3
    assert [gone(pid) for pid in (parent, *pids)] == [True] * 4


def test_none_is_left_when_their_parent_is_killed(forked):
    pids = [one.pid for one in forked]
    os.kill(parent_of(forked[0]), signal.SIGKILL)
    assert [one.wait(PATIENCE) for one in forked] == [-signal.SIGKILL] * 3
    assert [gone(pid) for pid in pids] == [True] * 3


def test_none_is_left_when_the_command_is_killed(tmp_path):
    code = f"""
        import time
        from pathlib import Path
        from slipway.scripts.python_env.interpreter import clean_environment
        from slipway.scripts.stages.features.forked_processes import fork_processes
        found = fork_processes({WORDS!r}, Path.cwd(), clean_environment(), 2)
        print(*(one.pid for one in found), flush=True)
        time.sleep({PATIENCE})
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as command:
        pids = [int(word) for word in command.stdout.readline().split()]
        command.kill()
    assert len(pids) == 2
    assert [gone(pid) for pid in pids] == [True, True]


def test_a_python_that_cannot_load_is_reported_by_its_output(tmp_path):
    broken = tmp_path / "run.py"
    broken.write_text("raise SystemExit('no room for behave')")
    found = fork_processes([sys.executable, str(broken)], Path(tmp_path), clean_environment(), 2)
    assert [one.wait(PATIENCE) for one in found] == [-signal.SIGKILL] * 2
    assert "no room for behave" in found[0].stdout.read()
    with pytest.raises(ProcessLookupError):
        _ = found[0].pid
    for one in found:
        close(one)


def test_a_python_that_is_not_there_leaves_nothing_open(tmp_path):
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="no-python"):
        fork_processes([str(tmp_path / "no-python")], tmp_path, clean_environment(), 2)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_ctrl_c_ends_the_processes_and_is_reported(forked):
    assert all(one.pid for one in forked)
    parent = psutil.Process(parent_of(forked[0]))
    for process in [parent, *parent.children()]:
        process.send_signal(signal.SIGINT)
    # Those of processes that get it as they are being forked end with their standard input.
    for one in forked:
        one.stdin.close()
    assert {one.wait(PATIENCE) for one in forked} <= {-signal.SIGINT, 0}
    assert gone(parent.pid)
