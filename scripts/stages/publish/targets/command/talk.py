"""One run of a program that is asked for one thing."""

from __future__ import annotations

import contextlib
import io
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self, cast

from slipway.model.errors import MissingTool
from slipway.scripts.output_blocks import read_blocks
from slipway.scripts.process_tree import end_tree
from slipway.scripts.releases.outgoing import OutgoingStream

__all__ = ["Talk"]

_BLOCK = 1 << 18
#: Blocks of its output that wait to be taken.
_WAITING = 4
#: Seconds for what is still to come once it has ended.
_ARRIVING = 2.0
#: Last lines of its standard error that are kept.
_KEPT = 3


class Talk:
    """One run: what is written to it and read from it, side by side."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], timeout: float) -> None:
        """Start the program.

        Args:
            words: The program and its arguments.
            env: Its whole environment.
            timeout: Seconds after which it is ended.

        Raises:
            MissingTool: It cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                words,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            msg = f"{words[0]} cannot be started: {error.strerror}; install it, or mend argv"
            raise MissingTool(msg) from None
        self.is_late = False
        """True: it was ended because it took too long."""
        self._last: deque[str] = deque(maxlen=_KEPT)
        self._failed: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._is_over = self._is_left = False
        self._until: float | None = None
        self._timer = threading.Timer(timeout, self._end_late)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program, if it has not ended by itself."""
        self._timer.cancel()
        if self._process.poll() is None:
            end_tree(self._process.pid)
            self._process.wait()
        self._is_left = True
        self._join()
        if any(thread.is_alive() for thread in self._threads):
            # To close a pipe would wait for the thread that uses it; it ends with the pipe.
            return
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()

    def _join(self) -> None:
        """Wait a moment for the threads; a descendant that got away may hold a pipe for long."""
        if self._until is None:
            self._until = time.monotonic() + _ARRIVING
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))

    def _end_late(self) -> None:
        self._is_over = True
        if self._process.poll() is None:
            self.is_late = True
            end_tree(self._process.pid)

    def begin(
        self, request: str, stream: OutgoingStream | None, log: Callable[[str], None]
    ) -> None:
        """Begin to write to it, and to follow its standard error.

        Args:
            request: The first line of its input.
            stream: The file whose bytes follow.
            log: Receives its standard error.
        """

        def write() -> None:
            try:
                self._write(request, stream)
            except BaseException as error:  # noqa: BLE001  raised by `ended`, in the other thread
                self._failed.append(error)
                end_tree(self._process.pid)

        def follow() -> None:
            for block in read_blocks(cast("io.BufferedReader", self._process.stderr)):
                self._last.extend(line for line in block.splitlines() if line.strip())
                log(block)

        for work in (write, follow):
            self._start(work)

    def _start(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def _write(self, request: str, stream: OutgoingStream | None) -> None:
        assert self._process.stdin is not None  # noqa: S101  it is a pipe
        block = f"{request}\n".encode()
        while block:
            try:
                self._process.stdin.write(block)
                self._process.stdin.flush()
            except OSError:
                # A program need not read its input.
                return
            block = stream.read(_BLOCK) if stream is not None else b""
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def blocks(self) -> Iterator[bytes]:
        """Yield its standard output.

        Once it has ended, only what comes at once: a descendant may hold the pipe for ever.
        """
        arriving: queue.Queue[bytes] = queue.Queue(_WAITING)
        self._start(lambda: self._read(arriving))
        while True:
            has_ended = self._process.poll() is not None
            if has_ended and self._is_over:
                self.is_late = True
                return
            try:
                block = arriving.get(timeout=_ARRIVING)
            except queue.Empty:
                if has_ended:
                    return
                continue
            if not block:
                return
            yield block

    def _read(self, arriving: queue.Queue[bytes]) -> None:
        """Read its standard output until it ends, or nobody takes it any more."""
        out, block = cast("io.BufferedReader", self._process.stdout), b" "
        while block:
            try:
                block = out.read1(_BLOCK)
            except (OSError, ValueError):
                block = b""
            while not self._is_left:
                with contextlib.suppress(queue.Full):
                    arriving.put(block, timeout=_ARRIVING / 4)
                    break
            if self._is_left:
                return

    def ended(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and its last lines.

        Raises:
            Exception: What was to be written to it could not be read.
        """
        code = self._process.wait()
        self._join()
        if self._failed:
            raise self._failed[0]
        return code, " | ".join(self._last)
