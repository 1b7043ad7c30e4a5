"""Programs that print secrets: run without a shell; what they say is shown nowhere."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

#: Seconds for what an ended program has printed to arrive.
_ARRIVING = 2.0
_BLOCK = 65_536
_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Printed:
    """What came of a program."""

    data: bytes = field(repr=False)
    """What it printed on its standard output."""
    code: int
    in_time: bool


def run_program(argv: Sequence[str], folder: Path, patience: float, most: int) -> Printed:
    """Run a program to its end; then what it started in its own session is ended, too.

    Args:
        argv: The program and its arguments.
        folder: Where it runs.
        patience: Seconds it has.
        most: Bytes that are read; one that prints more finds its output closed.

    Raises:
        OSError: It cannot be started.
        ValueError: Its words cannot be a program's.
    """
    process = subprocess.Popen(
        argv,
        bufsize=0,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # A tool may well name the secret in its complaint.
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )
    with _lock:
        _running.add(process)
    data = bytearray()
    # A service that it leaves behind may hold its output open: that is not waited for.
    reader = threading.Thread(target=_read, args=(process.stdout, data, most), daemon=True)
    reader.start()
    try:
        in_time = _wait(process, patience)
    finally:
        with _lock:
            _running.discard(process)
    reader.join(_ARRIVING)
    return Printed(bytes(data), process.returncode, in_time)


def end_programs() -> None:
    """End all that run, whoever waits for them."""
    with _lock:
        for process in _running:
            _kill(process)


def _read(stream: IO[bytes], data: bytearray, most: int) -> None:
    with stream, contextlib.suppress(OSError):
        while len(data) <= most and (block := stream.read(_BLOCK)):
            data += block


def _wait(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait for a program's end, and tell whether it came in time."""
    over = threading.Event()

    def end() -> None:
        over.set()
        _kill(process)

    timer = threading.Timer(patience, end)
    timer.daemon = True
    timer.start()
    try:
        if os.name == "posix":
            # Not yet reaped: nobody else can have its number, whose group is ended now.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            _kill(process)
    finally:
        if os.name == "posix":
            timer.cancel()
        process.wait()
        timer.cancel()
    return not over.is_set()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
