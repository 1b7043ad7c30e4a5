"""Control the watchdog from the runner, and do its work if it dies."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from slipway.model.errors import StageFailed
from slipway.scripts.stages.features.application import watchdog
from slipway.scripts.stages.features.application.watchdog import belongings, end_all, is_alive

__all__ = ["Keeper"]

_PATIENCE = 30.0
_PAUSE = 0.01
_WATCHDOG_ENDED = (
    "the process that watches the application is gone; it was killed from outside: run again"
)


class Keeper:
    """A watchdog process, which is the application's parent."""

    def __init__(self, mark: str, grace: float, folder: Path | None) -> None:
        """Start the watchdog.

        Args:
            mark: The mark of the application's processes in the variable `SLIPWAY_MARKS`.
            grace: Seconds between the application's SIGTERM and SIGKILL.
            folder: A private folder to delete when the runner is gone.

        Raises:
            StageFailed: It does not start.
        """
        self._mark = mark
        self._grace = grace
        self._root: psutil.Process | None = None
        self._code: int | None = None
        self._forked = False
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-I", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            # New session: a signal to the runner's process group must not end the watchdog first.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._guard = psutil.Process(self._process.pid)
        threading.Thread(target=self._read, daemon=True).start()
        self._order(
            mark=mark, grace=grace, folder=str(folder) if folder else None, runner=os.getpid()
        )
        self._await("ready")

    def start(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path
    ) -> str | None:
        """Start the application.

        Returns:
            None, or the system's reason why it cannot be started.

        Raises:
            StageFailed: The watchdog is gone.
        """
        self._code, self._forked, self._root = None, False, None
        self._order(do="start", argv=list(argv), env=dict(env), cwd=str(cwd), log=str(log))
        event = self._await("started", "refused")
        if event["is"] == "refused":
            return str(event["why"])
        with contextlib.suppress(psutil.Error):
            self._root = psutil.Process(int(event["pid"]))
        return None

    @property
    def code(self) -> int | None:
        """The exit code of the application; None while it runs.

        Raises:
            StageFailed: The watchdog is gone.
        """
        with contextlib.suppress(queue.Empty):
            while True:
                self._note(self._events.get_nowait())
        return self._code

    def await_code(self, seconds: float) -> int | None:
        """Return the exit code of the application; None while it runs.

        Args:
            seconds: How long to wait for the code after its first process has ended.

        Raises:
            StageFailed: The watchdog is gone.
        """
        end = time.monotonic() + seconds
        while (code := self.code) is None and time.monotonic() < end:
            if self._forked or (self._root and is_alive(self._root)):
                break
            time.sleep(_PAUSE)
        return code

    @property
    def forked(self) -> bool:
        """True: its first process ended with 0 and left others running."""
        return self._forked

    def processes(self) -> list[psutil.Process]:
        """Return the application's living processes."""
        roots = [one for one in (self._guard, self._root) if one]
        return [one for one in belongings(self._mark, roots) if one != self._guard]

    def stop(self) -> list[int]:
        """End the application's processes; the watchdog stays for the next start.

        Returns:
            The ids of processes that cannot be ended, such as another user's.
        """
        try:
            self._order(do="stop")
            event = self._await("stopped", seconds=_PATIENCE + self._grace)
        except StageFailed:
            return [one.pid for one in end_all(self.processes, self._grace)]
        self._code = self._root = None
        return list(event["remaining"])

    def close(self) -> None:
        """End the watchdog, which ends all remaining processes."""
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            end_all(self.processes, 0)

    def _order(self, **order: Any) -> None:
        assert self._process.stdin is not None  # noqa: S101  Popen was given a pipe
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise StageFailed(_WATCHDOG_ENDED) from error

    def _await(self, *kinds: str, seconds: float = _PATIENCE) -> dict[str, Any]:
        while True:
            try:
                event = self._events.get(timeout=seconds)
            except queue.Empty:
                event = {"is": "gone"}
            if event["is"] in kinds:
                return event
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        if event["is"] == "ended":
            self._code = int(event["code"])
        elif event["is"] == "forked":
            self._forked = True
        elif event["is"] == "gone":
            # Put back, so that the next request fails, too.
            self._events.put(event)
            raise StageFailed(_WATCHDOG_ENDED)

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  Popen was given a pipe
        with contextlib.suppress(OSError, ValueError), self._process.stdout as stream:
            for line in stream:
                self._events.put(json.loads(line))
        self._events.put({"is": "gone"})
