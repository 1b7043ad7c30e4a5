"""Keep the reactor's timers correct when the machine's clock is set.

Twisted's reactor measures time by the wall clock (`twisted.python.runtime.seconds` is `time.time`).
When the clock is set back by an hour, each pending timer fires an hour late: output of a stage that
should be sent after a quarter of a second, a build that should start now. When it is set forward,
timers that were due within the hour fire at once, before this module can detect it; the others are
corrected.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from twisted.application.service import Service
from twisted.python import log

__all__ = ["ClockWatch"]

#: Seconds between two checks of the clock, and the drift that is tolerated between them.
_PAUSE, _DRIFT = 1.0, 2.0


class ClockWatch(Service):
    """Service that shifts the reactor's timers when the wall clock jumps."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ended = threading.Event()
        self._is_asked = threading.Event()
        self._ahead = self._checked_at = 0.0
        self._known: dict[Any, float] = {}

    def startService(self) -> None:
        """Start the checking thread.

        A reactor timer would not do: a changed clock delays reactor timers, too.
        """
        super().startService()  # type: ignore[no-untyped-call]
        self._ended.clear()
        self._ahead = _ahead()
        self._remember()
        threading.Thread(target=self._ask, name="clock", daemon=True).start()

    def stopService(self) -> Any:
        """Stop checking."""
        self._ended.set()
        return super().stopService()  # type: ignore[no-untyped-call]

    def _ask(self) -> None:
        while not self._ended.wait(_PAUSE):
            # One pending call is enough while the reactor is busy.
            if not self._is_asked.is_set():
                self._is_asked.set()
                self._reactor.callFromThread(self._shift_timers)

    def _shift_timers(self) -> None:
        """Shift pending timers if the clock was set since the last check.

        Runs in the reactor's thread.
        """
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
        self._checked_at = time.monotonic()
        self._known = {call: call.getTime() for call in self._reactor.getDelayedCalls()}

    def _is_older(self, call: Any, jump: float) -> bool:
        """Return True if a timer was created, or last postponed, before the clock was set.

        A timer that is newer than the last check may belong to either side. After a jump forward,
        older timers that were due within the jump have fired; the remaining ones are newer. After a
        jump back, a newer timer would be long overdue if it were shifted.
        """
        if self._known.get(call) == call.getTime():
            return True
        since = time.monotonic() - self._checked_at + _PAUSE
        remaining = call.getTime() - self._reactor.seconds() + jump
        return bool(jump < 0 and remaining > -since)


def _ahead() -> float:
    """Return the difference between the wall clock and the monotonic clock in seconds."""
    return time.time() - time.monotonic()
