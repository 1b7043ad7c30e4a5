"""Timers that keep their time when the machine's clock is set.

Twisted's reactor counts by the wall clock (`twisted.python.runtime.seconds` is `time.time`). Where
that is set back by an hour, each timer that waits goes off an hour late: output of a stage that
should be sent in a quarter of a second, a build that should start now. Where it is set forward,
what was due within the hour goes off at once, before anybody can know; the rest is put right.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from twisted.application.service import Service
from twisted.python import log

#: Seconds between two looks at the clock, and how far it may drift between them.
_PAUSE, _DRIFT = 1.0, 2.0


class ClockWatch(Service):
    """Moves the reactor's timers along when the wall clock jumps."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ended = threading.Event()
        self._is_asked = threading.Event()
        self._ahead = self._looked = 0.0
        self._known: dict[Any, float] = {}

    def startService(self) -> None:
        """Look at the clock by a thread: the reactor's own timers are what stands still."""
        super().startService()  # type: ignore[no-untyped-call]
        self._ended.clear()
        self._ahead = _ahead()
        self._remember()
        threading.Thread(target=self._ask, name="clock", daemon=True).start()

    def stopService(self) -> Any:
        """Look no longer."""
        self._ended.set()
        return super().stopService()  # type: ignore[no-untyped-call]

    def _ask(self) -> None:
        while not self._ended.wait(_PAUSE):
            # A reactor that is busy is asked once.
            if not self._is_asked.is_set():
                self._is_asked.set()
                self._reactor.callFromThread(self._look)

    def _look(self) -> None:
        """Move what waits, where the clock was set since the last look; in the reactor's thread."""
        self._is_asked.clear()
        if self._ended.is_set():
            return
        jump = _ahead() - self._ahead
        if abs(jump) > _DRIFT:
            self._ahead += jump
            moved = [call for call in self._reactor.getDelayedCalls() if self._is_older(call, jump)]
            log.msg(f"the clock was set by {jump:+.0f} s; {len(moved)} timers are moved along")
            for call in moved:
                call.delay(jump)
        self._remember()

    def _remember(self) -> None:
        self._looked = time.monotonic()
        self._known = {call: call.getTime() for call in self._reactor.getDelayedCalls()}

    def _is_older(self, call: Any, jump: float) -> bool:
        """Tell whether a timer was made, or last put off, before the clock was set.

        One that is newer than the last look may be of either side. Where the clock was set forward,
        what was made before and was due within the jump has gone off; what is left was made after.
        Where it was set back, one made after would be long overdue if it were moved.
        """
        if self._known.get(call) == call.getTime():
            return True
        since = time.monotonic() - self._looked + _PAUSE
        left = call.getTime() - self._reactor.seconds() + jump
        return bool(jump < 0 and left > -since)


def _ahead() -> float:
    """Return by how much the wall clock is ahead of the one that nobody sets."""
    return time.time() - time.monotonic()
