"""Timer for the next due time that the ledger reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from twisted.internet import defer
from twisted.python import log

__all__ = ["Clock", "DueTimer", "Timed"]

#: Longest sleep; then the due time is read again, in case the wall clock jumped.
_LONGEST = 600.0
_SHORTEST = 0.05
#: Seconds until the next attempt after the ledger could not be read.
_AGAIN = 10.0


class Clock(Protocol):
    """What is needed of Twisted's reactor."""

    def callLater(self, delay: float, callable: Callable[..., Any]) -> Any:  # noqa: A002  Twisted's names
        """Call a function after a delay in seconds; return the delayed call."""


class Timed(Protocol):
    """Owner of a timer."""

    @property
    def name(self) -> str:
        """Its name, for the log."""

    async def next_due(self) -> float | None:
        """Return the next due time, in seconds since 1970; None: nothing is due."""

    async def process_due(self) -> None:
        """Do the due work, and call the timer's `set`."""


class DueTimer:
    """A single timer, rescheduled whenever its due time may have changed; off until `begin`."""

    def __init__(self, owner: Timed, clock: Clock) -> None:
        self._owner, self._clock = owner, clock
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
        due = await self._owner.next_due()
        self._cancel()
        if due is not None and self._on:
            self._sleep(min(max(due - time.time(), _SHORTEST), _LONGEST))

    def _sleep(self, seconds: float) -> None:
        self._timer = self._clock.callLater(seconds, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        self._in_background(self._owner.process_due())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        defer.ensureDeferred(work).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if not self._on:
            return
        log.err(failure, f"while processing what is due at the gates of {self._owner.name}")
        if self._timer is None:
            self._sleep(_AGAIN)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
