"""Run the programs of `choices-from` and read the choices they print."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from twisted.internet import defer, threads
from twisted.python.threadpool import ThreadPool

from slipway.model.errors import MissingTool
from slipway.model.parameter import Choice, read_choices

__all__ = ["Choices", "Printed", "Programs"]

#: Timeout of a program in seconds; a person is waiting for the page.
_PATIENCE = 10.0
#: Seconds for which printed choices are cached.
_FRESH = 30.0
#: Seconds for which a failure is cached.
_FAILED = 5.0
#: Maximum number of programs running at once, for the whole site.
_SIDE_BY_SIDE = 2
#: Maximum output in bytes: a thousand choices of two hundred characters, with labels.
_LARGEST = 512 * 1024
_PART = 64 * 1024
_PAUSE = 0.1

Programs = dict[str, tuple[str, ...]]
"""The programs with their arguments, by parameter."""
Printed = dict[str, tuple[Choice, ...]]


@dataclass
class _Known:
    """The last result of a program."""

    choices: tuple[Choice, ...] | None
    why: str
    until: float


class Choices:
    """Runs programs for gates, each once at a time, and caches their choices briefly.

    They run in their own threads, so that a slow one blocks neither the ledger nor a login.
    """

    def __init__(self, reactor: Any, patience: float = _PATIENCE, fresh: float = _FRESH) -> None:
        self._reactor = reactor
        self._patience, self._fresh = patience, fresh
        self._pool: ThreadPool | None = None
        self._known: dict[tuple[str, ...], _Known] = {}
        self._running: dict[tuple[str, ...], list[defer.Deferred[_Known]]] = {}
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    async def of(self, programs: Programs) -> Printed:
        """Return the choices that programs print, by parameter.

        Raises:
            MissingTool: One cannot be started, fails, takes too long, or prints an invalid choice.
        """
        return {name: await self._of(name, argv) for name, argv in programs.items()}

    async def _of(self, name: str, argv: tuple[str, ...]) -> tuple[Choice, ...]:
        known = self._known.get(argv)
        if known is None or known.until <= time.monotonic():
            known = await self._look(argv)
        if known.choices is None:
            msg = f"the choices of {name}: {argv[0]}: {known.why}"
            raise MissingTool(msg)
        return known.choices

    def _look(self, argv: tuple[str, ...]) -> defer.Deferred[_Known]:
        """Run a program, or wait for the result if it is running already.

        If the first caller is cancelled, the program continues for those who still wait.
        """
        waiting: defer.Deferred[_Known] = defer.Deferred()
        if argv in self._running:
            self._running[argv].append(waiting)
            return waiting
        self._running[argv] = [waiting]
        running = threads.deferToThreadPool(self._reactor, self._threads(), self._run, argv)
        running.addErrback(lambda failure: _Known(None, failure.getErrorMessage(), 0.0))
        running.addCallback(self._deliver, argv)
        return waiting

    def _deliver(self, known: _Known, argv: tuple[str, ...]) -> None:
        self._known[argv] = known
        for one in self._running.pop(argv):
            if not one.called:
                one.callback(known)

    def _threads(self) -> ThreadPool:
        if self._pool is None:
            self._pool = ThreadPool(0, _SIDE_BY_SIDE, "choices")
            self._pool.start()
        return self._pool

    def stop(self) -> None:
        """Kill running programs and stop the threads."""
        self._ended = True
        with self._lock:
            running = list(self._processes)
        for process in running:
            _kill(process)
        if self._pool is not None:
            self._pool.stop()
            self._pool = None

    # ---- in a worker thread

    def _run(self, argv: tuple[str, ...]) -> _Known:
        try:
            choices = read_choices(self._printed(argv))
        except OSError as error:
            why = f"cannot be started: {error.strerror}"
        except ValueError as error:
            why = str(error)
        else:
            return _Known(choices, "", time.monotonic() + self._fresh)
        return _Known(None, why, time.monotonic() + min(_FAILED, self._fresh))

    def _printed(self, argv: tuple[str, ...]) -> str:
        """Run a program and return its output.

        Raises:
            OSError: It cannot be started.
            ValueError: It failed, took too long or printed too much.
        """
        # A new session: its child processes are killed with it.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with self._lock:
            self._processes.add(process)
        try:
            if self._ended:
                msg = "the master is stopping"
                raise ValueError(msg)
            output, errors = _read(process, time.monotonic() + self._patience, self._patience)
        finally:
            _kill(process)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            with self._lock:
                self._processes.discard(process)
        if process.returncode:
            lines = errors.decode(errors="replace").strip().splitlines()
            msg = f"ended with {process.returncode}: {lines[-1] if lines else 'it said nothing'}"
            raise ValueError(msg)
        return output.decode(errors="replace")


def _read(
    process: subprocess.Popen[bytes], deadline: float, patience: float
) -> tuple[bytes, bytes]:
    """Return a program's output, and the end of its error output, when it has ended.

    Raises:
        ValueError: It took too long, or printed too much.
    """
    taken = {pipe: bytearray() for pipe in (process.stdout, process.stderr) if pipe is not None}
    with selectors.DefaultSelector() as waiting:
        for pipe in taken:
            waiting.register(pipe, selectors.EVENT_READ)
        while True:
            # Do not wait for end of file: a child process may keep the pipes open.
            over = _has_ended(process)
            heard = False
            for key, _ in waiting.select(0 if over else _PAUSE):
                part = os.read(key.fd, _PART)
                heard = heard or bool(part)
                if not part:
                    waiting.unregister(key.fileobj)
                _keep(taken[key.fileobj], part, whole=key.fileobj is process.stdout)  # type: ignore[index]
            if over and not heard:
                output, errors = (bytes(one) for one in taken.values())
                return output, errors
            if time.monotonic() > deadline:
                msg = f"did not end within {patience:g} seconds"
                raise ValueError(msg)


def _keep(taken: bytearray, part: bytes, *, whole: bool) -> None:
    taken += part
    if whole and len(taken) > _LARGEST:
        msg = f"printed more than {_LARGEST:,} bytes"
        raise ValueError(msg)
    if not whole:
        del taken[:-_PART]


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has ended; do not reap it, so that its pid is not reused."""
    left = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, left) is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all processes of its session."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
