"""Measure a command: seconds, processor seconds and memory of its process tree."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY = 0.25
_PATIENCE = 900
_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Of one command."""

    wall: float
    processor: float
    memory: float
    """The most that was held at once, in MB: pages that no other process shares."""
    code: int
    output: str


def adopt_orphans() -> None:
    """Have processes whose parent has ended become ours, so that their processor time counts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def measured(words: list[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run a command to its end."""
    before, began = _children_seconds(), time.monotonic()
    with subprocess.Popen(
        words,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        most = [0.0]
        watching = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, most, watching), daemon=True)
        watcher.start()
        try:
            output, _ = process.communicate(timeout=_PATIENCE)
        finally:
            watching.set()
            process.kill()
    wall = time.monotonic() - began
    watcher.join()
    _reap()
    return Cost(wall, _children_seconds() - before, most[0], process.returncode, output)


def _children_seconds() -> float:
    spent = psutil.Process().cpu_times()
    return float(spent.children_user + spent.children_system)


def _reap() -> None:
    """Wait for what was left to us; the application under test goes on."""
    with contextlib.suppress(ChildProcessError):
        for _ in range(20):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.02)


def _watch(pid: int, most: list[float], ended: threading.Event) -> None:
    while not ended.wait(_EVERY):
        held = 0
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            for one in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    info = one.memory_info()
                    held += info.rss - getattr(info, "shared", 0)
        most[0] = max(most[0], held / 1e6)
