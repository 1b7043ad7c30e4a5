"""An alarm: wakes up when something is due by itself, as the ledger tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet import defer
from twisted.python import log

#: A timer that is set for longer is set anew; the wall clock may have jumped meanwhile.
_LONGEST = 600.0
_SHORTEST = 0.05
#: Seconds until it is tried again where the ledger could not be asked.
_AGAIN = 10.0


class Alarm:
    """One timer, set anew whenever what it is set by has changed."""

    def __init__(
        self,
        what: str,
        call_later: Callable[..., Any],
        due: Callable[[], Coroutine[Any, Any, float | None]],
        wake: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """Make one; it sleeps until `begin`.

        Args:
            what: What it is for, in the log.
            call_later: The reactor's.
            due: Returns when something is due, in seconds since 1970; None: nothing is.
            wake: Does it, and sets the alarm anew.
        """
        self._what, self._call_later, self._due, self._wake = what, call_later, due, wake
        self._timer: Any = None
        self._on = False
        # The newest answer must be the one that is used.
        self._turn = defer.DeferredLock()
        self._setting = False

    def begin(self) -> None:
        """Go off from now on."""
        self._on = True

    def stop(self) -> None:
        """Go off no more."""
        self._on = False
        self._cancel()

    def changed(self) -> None:
        """Set it anew, soon: what it is set by may have changed."""
        if self._on and not self._setting:
            self._setting = True
            self._in_background(self._set_soon())

    async def _set_soon(self) -> None:
        await self._turn.acquire()
        # What changes from here on is not seen by this look, and needs another.
        self._setting = False
        try:
            await self._set()
        finally:
            self._turn.release()

    async def set(self) -> None:
        """Set it anew."""
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
