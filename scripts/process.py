"""Run programs: argument lists only, streamed output, whole process trees ended."""

from __future__ import annotations

import contextlib
import io
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil

from slipway.model.duration import format_duration
from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts import guard
from slipway.scripts.output_blocks import read_blocks
from slipway.scripts.process_tree import end_descendants, end_swarm, end_tree

__all__ = ["TAIL", "Finished", "TooManyProcesses", "end_strays", "feed", "run"]

#: Lines of a program's output kept for the error sentence.
TAIL = 40
#: Lines of those that the sentence quotes.
_LAST_LINES = 8
#: Seconds between two counts of a program's processes.
_COUNTED = 0.25


class TooManyProcesses(StageFailed):
    """A program had more processes than it may have, and was ended with all of them."""


@dataclass(frozen=True)
class Finished:
    """The exit code and the last output of a program."""

    code: int
    tail: str
    """The last lines of its output."""

    @property
    def ending(self) -> str:
        """Description of the end: the exit code, or the signal."""
        if self.code < 0:
            return f"was ended by signal {-self.code}"
        return f"ended with exit code {self.code}"

    def last_output(self, count: int) -> str:
        """Return the last `count` non-empty lines of output, joined into one line."""
        lines = [line.strip() for line in self.tail.splitlines() if line.strip()]
        return " | ".join(lines[-count:])

    def sentence(self, called: str) -> str:
        """Return a sentence with the way the program ended and its last output.

        Args:
            called: Its name for people.
        """
        lines = self.last_output(_LAST_LINES) or "nothing"
        return f"{called} {self.ending}; its last lines: {lines}"


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Callable[[str], None] | None = None,
    timeout: float | None = None,
    what: str | None = None,
    given: str | None = None,
    most_processes: int | None = None,
) -> Finished:
    """Run a program to its end and stream its output to `log`.

    If this raises, the whole process tree has been ended.

    Args:
        argv: Program and arguments; no shell is involved.
        cwd: Folder to run in.
        env: The complete environment. None: this process's own.
        log: Receives the output (stdout and stderr together), one or more whole lines at a time.
        timeout: Seconds after which the whole process tree is ended. None: no limit.
        what: The program's name in error sentences. None: its file name.
        given: Text for its standard input. None: no input.
        most_processes: Number of processes that it may have started and that run at one time. None:
            they are not counted.

    Returns:
        The exit code and the last lines of output.

    Raises:
        MissingTool: The program does not exist or cannot be executed.
        StageFailed: It took longer than `timeout`.
        TooManyProcesses: It had more than `most_processes`.
    """
    words = [str(word) for word in argv]
    called = what or Path(words[0]).name
    process = _start(words, called, cwd, env, has_input=given is not None)
    if given is not None:
        threading.Thread(target=feed, args=(process, given), daemon=True).start()
    return _follow(process, log, timeout, called, most_processes)


def _start(
    words: list[str],
    called: str,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    has_input: bool,
) -> subprocess.Popen[str]:
    """Start a program whose stdout and stderr are one pipe.

    Raises:
        MissingTool: It does not exist or cannot be executed.
    """
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            msg = f"{called} cannot start: the folder {cwd} is not there"
        else:
            msg = f"{words[0]} is not on this machine; install it or put it on PATH"
        raise MissingTool(msg) from error
    except OSError as error:
        msg = f"{words[0]} may not be run: {error.strerror}"
        raise MissingTool(msg) from error


def feed(process: subprocess.Popen[str], given: str) -> None:
    """Write a program's whole input and close it."""
    assert process.stdin is not None  # noqa: S101  Popen was given a pipe
    # A program need not read its input.
    with contextlib.suppress(OSError, ValueError), process.stdin as stream:
        stream.write(given)


def _close(process: subprocess.Popen[str], reader: threading.Thread) -> None:
    """Close the pipe of a process that has ended, once it has been read."""
    reader.join(5)
    if not reader.is_alive() and process.stdout is not None:
        process.stdout.close()


def _follow(
    process: subprocess.Popen[str],
    log: Callable[[str], None] | None,
    timeout: float | None,
    called: str,
    most_processes: int | None,
) -> Finished:
    """Read a program's output to its end, and end its tree after the timeout."""
    tail: list[str] = []

    def read() -> None:
        stream = cast("io.TextIOWrapper", process.stdout)
        for block in read_blocks(cast("io.BufferedReader", stream.buffer)):
            tail[:] = [*tail, *block.removesuffix("\n").split("\n")[-TAIL:]][-TAIL:]
            if log is not None:
                log(block)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        code = _wait(process, timeout, called, most_processes)
    except subprocess.TimeoutExpired:
        end_tree(process.pid)
        process.wait()
        _close(process, reader)
        hint = f" Its last line: {tail[-1]}" if tail else ""
        msg = f"{called} did not end within {format_duration(timeout or 0)} and was stopped.{hint}"
        raise StageFailed(msg) from None
    except TooManyProcesses:
        end_swarm(process.pid)
        process.wait()
        _close(process, reader)
        raise
    except BaseException:
        end_tree(process.pid)
        raise
    # A grandchild may hold the pipe open for ever; its output after this point is not awaited.
    _close(process, reader)
    return Finished(code, "\n".join(tail))


def _wait(
    process: subprocess.Popen[str], timeout: float | None, called: str, most: int | None
) -> int:
    """Wait for a program's end, and count its processes meanwhile; return the exit code.

    Raises:
        subprocess.TimeoutExpired: It still runs.
        TooManyProcesses: It has more than `most`; it still runs.
    """
    if most is None:
        return process.wait(timeout)
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _COUNTED if end is None else min(_COUNTED, end - time.monotonic())
        try:
            return process.wait(max(left, 0))
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                raise
        with contextlib.suppress(psutil.Error):
            if len(psutil.Process(process.pid).children(recursive=True)) > most:
                msg = f"{called} started more than {most} processes and was stopped"
                raise TooManyProcesses(msg)


def end_strays() -> None:
    """End processes that a program has left behind, if this process runs only a stage."""
    if guard.alone:
        end_descendants(patience=0.5)
