"""Run the application under test, report its end, and end all of its processes.

Run as a separate program with a pipe as its input: it reads requests and writes events, one JSON
object per line. Only the runner holds the other end of the pipe: the system closes it even on
SIGKILL, and then everything is ended. Only psutil is imported, which keeps the start fast.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

__all__ = ["HURRY", "MARKS", "Watchdog", "belongings", "end_all", "is_alive", "main", "send"]

#: Environment variable with the marks of the applications a process belongs to: outermost first,
#: separated by colons.
MARKS = "SLIPWAY_MARKS"
#: Seconds between SIGTERM and SIGKILL after the runner is gone: nobody waits for a clean end.
HURRY = 1.5
#: Seconds between polls. POSIX signals the end of a child, Windows does not.
_TICK = 0.05 if os.name == "nt" else 0.25
_SELDOM = 0.5
_ROUNDS = 50
_PR_SET_CHILD_SUBREAPER = 36


def belongings(
    mark: str, roots: Sequence[psutil.Process], *, deep: bool = True
) -> list[psutil.Process]:
    """Return all living processes of an application.

    Args:
        mark: The mark of its processes in the variable `SLIPWAY_MARKS`.
        roots: Processes that belong to it, with their descendants, regardless of the mark; this
            process itself is excluded.
        deep: False: skip the search by mark, which reads every process of the machine.
    """
    found: dict[int, psutil.Process] = {}
    for root in roots:
        with contextlib.suppress(psutil.Error):
            found |= {one.pid: one for one in [root, *root.children(recursive=True)]}
    for one in psutil.process_iter() if deep else ():
        if one.pid not in found and _carries(one, mark):
            found[one.pid] = one
    found.pop(os.getpid(), None)
    return [one for one in found.values() if is_alive(one)]


def _carries(process: psutil.Process, mark: str) -> bool:
    # A process of another user, or one that is just ending, cannot be read.
    with contextlib.suppress(psutil.Error, OSError):
        return mark in process.environ().get(MARKS, "").split(":")
    return False


def is_alive(process: psutil.Process) -> bool:
    """Return True if a process is running; a zombie is not."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def end_all(
    find: Callable[[], list[psutil.Process]],
    grace: float,
    collect: Callable[[], None] = lambda: None,
) -> list[psutil.Process]:
    """End processes: SIGTERM first, then SIGKILL until none is left.

    Args:
        find: Returns the processes that still exist.
        grace: Seconds between the two signals.
        collect: Called often, to reap children that have ended.

    Returns:
        Processes that cannot be ended, such as another user's.
    """
    mine = find()
    for process in mine:
        _quietly(process.terminate)
    _wait(mine, grace, collect)
    for _ in range(_ROUNDS):
        # Searched again each time: a process that is being killed may have started others.
        if not (mine := find()):
            return []
        for process in mine:
            _quietly(process.kill)
        _wait(mine, 0.2, collect)
    return find()


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error, OSError):
        action()


def _wait(mine: list[psutil.Process], seconds: float, collect: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while True:
        collect()
        mine = [one for one in mine if is_alive(one)]
        if not mine or time.monotonic() > end:
            return
        time.sleep(0.01)


class Watchdog:
    """The application's parent. On Linux orphaned descendants become its children."""

    def __init__(self, hello: dict[str, Any], orders: queue.SimpleQueue[dict[str, Any]]) -> None:
        self.mark: str = hello["mark"]
        self.grace: float = hello["grace"]
        self.folder: str | None = hello["folder"]
        self.orders = orders
        self.runner = psutil.Process(hello["runner"])
        self.process: subprocess.Popen[bytes] | None = None
        self.code: int | None = None
        """The exit code of the started process, once it has ended."""
        self.is_reported = False
        self.again = 0.0

    def serve(self) -> None:
        """Serve requests until the runner is gone, then end everything and delete the folder."""
        due = 0.0
        while True:
            try:
                order = self.orders.get(timeout=_TICK)
            except queue.Empty:
                order = {"do": "check"}
            if order["do"] == "leave":
                break
            if order["do"] == "start":
                self.start(order)
            elif order["do"] == "stop":
                self.stop()
            self.check()
            # A fork of the runner may hold the pipe open after the runner's death.
            if time.monotonic() > due:
                due = time.monotonic() + _SELDOM
                if not is_alive(self.runner):
                    break
        self.end(HURRY)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, order: dict[str, Any]) -> None:
        """Start the application, with its output appended to the log."""
        self.code, self.is_reported, self.again = None, False, 0.0
        try:
            with Path(order["log"]).open("ab") as log:
                self.process = subprocess.Popen(
                    order["argv"],
                    env=order["env"],
                    cwd=order["cwd"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # New session: signals it sends to its own process group must not reach this
                    # process.
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except (OSError, ValueError) as error:
            send({"is": "refused", "why": getattr(error, "strerror", None) or str(error)})
        else:
            send({"is": "started", "pid": self.process.pid})

    def collect(self) -> None:
        """Reap children that have ended, and record the application's exit code."""
        if sys.platform == "win32":
            self.code = self.process.poll() if self.process else None
            return
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if self.process and ended[0] == self.process.pid:
                    self.code = os.waitstatus_to_exitcode(ended[1])
                    self.process.returncode = self.code

    def check(self) -> None:
        """Report the end of the application once; a daemonised one has not ended."""
        self.collect()
        if self.process is None or self.code is None or self.is_reported:
            return
        if self.code == 0:
            # Too slow for every poll: it reads every process of the machine.
            if time.monotonic() < self.again:
                return
            self.again = time.monotonic() + _SELDOM
            if self.find():
                send({"is": "forked"})
                return
        self.is_reported = True
        send({"is": "ended", "code": self.code})

    def find(self) -> list[psutil.Process]:
        """Return the application's living processes."""
        return belongings(self.mark, [psutil.Process()])

    def end(self, grace: float) -> list[psutil.Process]:
        """End all of them within about `grace` seconds; return those that cannot be ended."""
        remaining = end_all(self.find, grace, self.collect)
        self.process = None
        return remaining

    def stop(self) -> None:
        """End the application and report the processes that could not be ended."""
        send({"is": "stopped", "remaining": [one.pid for one in self.end(self.grace)]})


def send(event: dict[str, Any]) -> None:
    """Send an event to the runner, if it still exists."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def _read(orders: queue.SimpleQueue[dict[str, Any]]) -> None:
    # A runner killed while writing leaves an incomplete line.
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            orders.put(json.loads(line))
    orders.put({"do": "leave"})


def _adopt_orphans() -> None:
    # A copy of guard.adopt_orphans: imports of ours would cost this program a tenth of a second.
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Serve one runner until it is gone."""
    orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, lambda *_: orders.put({"do": "leave"}))
    if number := getattr(signal, "SIGCHLD", None):
        signal.signal(number, lambda *_: orders.put({"do": "check"}))
    _adopt_orphans()
    os.chdir(Path(sys.executable).anchor)
    try:
        watchdog = Watchdog(json.loads(sys.stdin.readline()), orders)
    except (ValueError, psutil.Error):
        return
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    send({"is": "ready"})
    watchdog.serve()
    # Not sys.exit: the reader thread still blocks on the input and would delay it.
    os._exit(0)


if __name__ == "__main__":
    main()
