"""Running programs: argument lists only, output streamed, the whole process tree ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.model.duration import format_duration
from slipway.model.errors import MissingTool, StageFailed

#: Lines kept of a program's output for the error sentence.
TAIL = 40
#: The variable that deployers and what they start carry; its value is PROJECT/ENVIRONMENT.
DEPLOYED = "SLIPWAY_DEPLOYED"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Finished:
    """How a program ended."""

    code: int
    tail: str
    """The last lines of its output."""


def end_tree(pid: int, patience: float = 3.0) -> None:
    """End a process and all its descendants: politely, then for good.

    Args:
        pid: The root of the tree; it need not live any more.
        patience: Seconds between asking and killing.
    """
    try:
        root = psutil.Process(pid)
        tree = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(tree, timeout=patience)
    for process in alive:
        # What was born meanwhile hangs below those that are still there.
        with contextlib.suppress(psutil.Error):
            for late in process.children(recursive=True):
                _quietly(late.kill)
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error):
        action()


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Callable[[str], None] | None = None,
    timeout: float | None = None,
    what: str | None = None,
    given: str | None = None,
) -> Finished:
    """Run a program to its end, its output line by line to `log`.

    Args:
        argv: Program and arguments; no shell ever sees them.
        cwd: Folder to run in.
        env: The whole environment. None: this process's own.
        log: Gets each line of output (stdout and stderr together).
        timeout: Seconds; then the whole tree is ended.
        what: What to call it in error sentences. None: the program's name.
        given: What it reads on its input. None: nothing.

    Returns:
        Its exit code and the last lines it said.

    Raises:
        MissingTool: The program is not there.
        StageFailed: It took longer than `timeout`.
    """
    words = [str(word) for word in argv]
    called = what or Path(words[0]).name
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
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
    if given is not None:
        threading.Thread(target=_feed, args=(process, given), daemon=True).start()
    return _follow(process, log, timeout, called)


def _feed(process: subprocess.Popen[str], given: str) -> None:
    assert process.stdin is not None  # noqa: S101  Popen was given a pipe
    # A program need not read what it is told.
    with contextlib.suppress(OSError, ValueError), process.stdin as stream:
        stream.write(given)


def _follow(
    process: subprocess.Popen[str],
    log: Callable[[str], None] | None,
    timeout: float | None,
    called: str,
) -> Finished:
    """Read a program's output to its end, and end its tree when the time is over."""
    tail: list[str] = []

    def read() -> None:
        assert process.stdout is not None  # noqa: S101  Popen was given a pipe
        for line in process.stdout:
            tail.append(line.rstrip("\n"))
            del tail[:-TAIL]
            if log is not None:
                log(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        end_tree(process.pid)
        process.wait()
        reader.join(5)
        said = f" Its last line: {tail[-1]}" if tail else ""
        msg = f"{called} did not end within {format_duration(timeout or 0)} and was stopped.{said}"
        raise StageFailed(msg) from None
    except BaseException:
        end_tree(process.pid)
        raise
    # A grandchild may hold the pipe open for ever; what it says after the end is not waited for.
    reader.join(5)
    if not reader.is_alive() and process.stdout is not None:
        process.stdout.close()
    return Finished(code, "\n".join(tail))


def die_with_parent() -> None:
    """Have this process ended when the thread that started it is gone; for `preexec_fn`.

    Linux only (PR_SET_PDEATHSIG, prctl(2)). SIGTERM: what it has started itself it can still end.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def adopt_orphans() -> None:
    """Have descendants whose parent dies become ours, so that `end_descendants` finds them.

    Linux only (PR_SET_CHILD_SUBREAPER, prctl(2)); elsewhere nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(patience: float = 3.0) -> None:
    """End everything this process has started and not ended; what it deployed stays."""
    for child in psutil.Process().children():
        if not _is_deployed(child):
            end_tree(child.pid, patience)


def _is_deployed(process: psutil.Process) -> bool:
    """Tell whether a process is what a deployment started to stay, in a session of its own."""
    if os.name != "posix":
        return False
    with contextlib.suppress(psutil.Error, OSError):
        return os.getsid(process.pid) != os.getsid(0) and DEPLOYED in process.environ()
    return False
