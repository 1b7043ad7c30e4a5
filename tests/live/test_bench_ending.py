"""A benchmark that is ended from outside leaves nothing behind: no folder, no process."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.machine import kill, processes_of, wait_for
from tests.support.site import ROOT

pytestmark = [pytest.mark.live, pytest.mark.slow]


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def starts(bench: psutil.Process) -> bool:
    return any("up" in words(one) for one in bench.children(recursive=True))


def watches(bench: psutil.Process) -> bool:
    return any(one.num_threads() > 1 for one in bench.children())


def floods(bench: psutil.Process) -> bool:
    return any("spawn_main" in " ".join(words(one)) for one in bench.children(recursive=True))


def begins(bench: psutil.Process) -> bool:
    return any(one.children() for one in bench.children())


def reached(stage, bench: psutil.Process) -> bool:
    # A child of it may end between being listed and being asked.
    with contextlib.suppress(psutil.NoSuchProcess):
        return stage(bench)
    return False


@pytest.mark.parametrize("stage", [starts, watches, floods])
def test_a_flood_that_is_ended(tmp_path, stage):
    end(tmp_path, ["abuse.py", "slow", "--seconds", "8"], stage)


@pytest.mark.parametrize(
    "words",
    [
        ["pages.py", "--runs", "100"],
        ["evidence.py", "1"],
        ["results.py", "100"],
        ["features.py", "--flakes"],
        ["join.py", "1", "1", "0.1"],
    ],
    ids=lambda words: words[0],
)
def test_a_benchmark_that_is_ended(tmp_path, words):
    end(tmp_path, words, begins)


def end(tmp_path, words, stage):
    """End a benchmark at a moment, told to as often as a supervisor may; look at what is left."""
    folders, log = tmp_path / "temporary", tmp_path / "said"
    folders.mkdir()
    with log.open("wb") as output:
        bench = psutil.Popen(
            [sys.executable, ROOT / "bench" / words[0], *words[1:]],
            env={**os.environ, "TMPDIR": str(folders)},
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: reached(stage, bench), log.read_text)
        for _ in range(3):
            with contextlib.suppress(psutil.NoSuchProcess):
                bench.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        assert bench.wait(90) == 143, log.read_text()
        wait_for(lambda: not processes_of(folders), lambda: str(processes_of(folders)))
        assert list(folders.iterdir()) == []
    except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
        pytest.fail(f"it does not end: {log.read_text()}")
    finally:
        if bench.poll() is None:
            kill([*bench.children(recursive=True), bench])
        kill(processes_of(folders))
