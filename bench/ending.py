"""A benchmark that leaves nothing behind, at whatever moment it is ended from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress

import psutil

_INNER = "SLIPWAY_BENCH_INNER"


def alone(main: Callable[[], None]) -> None:
    """Run a benchmark in a process of its own, and end that with all it has started on SIGTERM.

    A signal's handler that raised within the benchmark itself could find it anywhere: within a
    pool that is half started, or a folder that nobody has taken note of yet.

    Args:
        main: The benchmark; its temporary files are in a folder of this call.
    """
    if os.environ.get(_INNER):
        main()
        return
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    with tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True) as folder:
        env = {**os.environ, _INNER: "1", "TMPDIR": folder}
        inner = psutil.Popen([sys.executable, *sys.argv], env=env)
        code = None
        while code is None and not signals:
            with suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired):
                code = inner.wait(0.2)
        _end(inner)
    # Python gives up its handlers before it has ended: told once more then, it would die of it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143 if code is None else code)


def _end(inner: psutil.Popen) -> None:
    """End a process and all that it has started; what is killed starts nothing more."""
    while remaining := _below(inner):
        for one in remaining:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(remaining, timeout=5)


def _below(inner: psutil.Popen) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [*inner.children(recursive=True), inner] if inner.is_running() else []
    return []
