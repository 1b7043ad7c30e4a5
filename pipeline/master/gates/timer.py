"""Timer for the next due time that the ledger reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet import defer
from twisted.python import log

#: Longest sleep; then the due time is read again, in case the wall clock jumped.
_LONGEST = 600.0
_SHORTEST = 0.05
#: Seconds until the next attempt after the ledger could not be read.
_AGAIN = 10.0


class Alarm:
    """A single timer, rescheduled whenever its due time may have changed."""

    def __init__(
        self,
        what: str,
        call_later: Callable[..., Any],
        due: Callable[[], Coroutine[Any, Any, float | None]],
        wake: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """Create the timer; it is off until `begin`.

        Args:
            what: Its purpose, for the log.
            call_later: The reactor's `callLater`.
            due: Returns the next due time in seconds since 1970; None: nothing is due.
            wake: Does the due work, and calls `set`.
        """
        self._what, self._call_later, self._due, self._wake = what, call_later, due, wake
        self._timer: Any = None
        self._on = False
        # Serialise the reads of the due time: the newest must win.
        self._turn = defer.DeferredLock()
        self._setting = False

    def begin(self) -> None:
        """Enable the timer."""
        self._on = True

    def stop(self) -> None:
        """Disable the timer."""
        self._on = False
        self._cancel()

    def changed(self) -> None:
        """Reschedule soon: the due time may have changed. Several calls are merged into one."""
        if self._on and not self._setting:
            self._setting = True
            self._in_background(self._set_soon())

    async def _set_soon(self) -> None:
        await self._turn.acquire()
        # A change from here on is not covered by this read and needs another.
        self._setting = False
        try:
            await self._set()
        finally:
            self._turn.release()

    async def set(self) -> None:
        """Read the due time and reschedule now."""
        await self._turn.acquire()
        try:
            await self._set()
        finally:
            self._turn.release()

    async def _set(self) -> None:
        if not self._on:
            return
        due = await self._due()
        self._cancel()
        if due is not None and self._on:
            self._sleep(min(max(due - time.time(), _SHORTEST), _LONGEST))

    def _sleep(self, seconds: float) -> None:
        self._timer = self._call_later(seconds, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        self._in_background(self._wake())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        defer.ensureDeferred(work).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if not self._on:
            return
        log.err(failure, f"while looking at {self._what}")
        if self._timer is None:
            self._sleep(_AGAIN)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
