"""Run programs that print secrets: without a shell, and without logging their output."""

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

__all__ = ["Printed", "end_programs", "run_program"]

#: Seconds to wait for the remaining output of an ended program.
_ARRIVING = 2.0
_BLOCK = 65_536
_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Printed:
    """The result of a program."""

    data: bytes = field(repr=False)
    """Its standard output."""
    code: int
    in_time: bool


def run_program(
    argv: Sequence[str], folder: Path, patience: float, most: int, given: bytes | None = None
) -> Printed:
    """Run a program to its end; then kill what it started in its session.

    Args:
        argv: The program and its arguments.
        folder: Its working directory.
        patience: Timeout in seconds.
        most: Maximum number of bytes to read; then the pipe is closed.
        given: Its standard input. None: none.

    Raises:
        OSError: The program cannot be started.
        ValueError: The arguments are invalid, such as a NUL.
    """
    process = subprocess.Popen(
        argv,
        bufsize=0,
        cwd=folder,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Discarded: an error message may contain the secret.
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )
    with _lock:
        _running.add(process)
    data = bytearray()
    # Read in a thread: a daemon left behind may keep the pipe open, and must not block.
    reader = threading.Thread(target=_read, args=(process.stdout, data, most), daemon=True)
    reader.start()
    if given is not None:
        # In a thread: a program that reads nothing must not block.
        threading.Thread(target=_write, args=(process.stdin, given), daemon=True).start()
    try:
        in_time = _wait(process, patience)
    finally:
        with _lock:
            _running.discard(process)
    reader.join(_ARRIVING)
    return Printed(bytes(data), process.returncode, in_time)


def end_programs() -> None:
    """Kill all running programs."""
    with _lock:
        for process in _running:
            _kill(process)


def _read(stream: IO[bytes], data: bytearray, most: int) -> None:
    with stream, contextlib.suppress(OSError):
        while len(data) <= most and (block := stream.read(_BLOCK)):
            data += block


def _write(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), stream:
        stream.write(data)


def _wait(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Wait for a program's end; return False if it was killed by the timeout."""
    over = threading.Event()

    def end() -> None:
        over.set()
        _kill(process)

    timer = threading.Timer(patience, end)
    timer.daemon = True
    timer.start()
    try:
        if os.name == "posix":
            # WNOWAIT does not reap it, so that its pid, the id of the group to kill, is not reused.
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
