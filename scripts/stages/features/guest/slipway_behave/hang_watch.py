"""Watch steps and hooks for hangs: report a hang, then end the process."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

__all__ = ["Watch"]

#: Seconds after its timeout until faulthandler ends a process in which no Python thread can run.
_GRACE = 15.0
#: Seconds between resets of that timer. A reset starts a thread: at each step it is too slow.
_PUT_OFF = 5.0


class Watch:
    """A watch with timeouts; its thread starts with the first watched step."""

    def __init__(self, step: float, scenario: float, hung: Callable[[str, float], None]) -> None:
        """Prepare the watch.

        Args:
            step: Timeout of a step or hook in seconds; 0: none.
            scenario: Timeout of a scenario with its hooks in seconds; 0: none.
            hung: Called from the watch's thread with what hangs and its timeout; ends the process.
        """
        self.limits = {"step": step, "scenario": scenario}
        self.last_words: TextIO | None = None
        self._hung = hung
        self._changed = threading.Condition()
        self._watched: dict[str, tuple[float, str | Callable[[], str]]] = {}
        self._wakes = 0.0
        self._ended = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, kind: str, what: str | Callable[[], str]) -> Iterator[None]:
        """Watch a step (or hook) or a scenario; a no-op inside another of its kind.

        Args:
            kind: "step" or "scenario".
            what: Its name; a function is called if it hangs.
        """
        limit = self.limits[kind]
        if not limit or kind in self._watched:
            yield
            return
        self._begin(kind, what, limit)
        try:
            yield
        finally:
            self._end(kind)

    def end(self) -> None:
        """Stop the watch."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            faulthandler.cancel_dump_traceback_later()

    def _begin(self, kind: str, what: str | Callable[[], str], limit: float) -> None:
        end = time.monotonic() + limit
        with self._changed:
            self._watched[kind] = (end, what)
            if end < self._wakes:
                self._changed.notify()
        if self._thread is None:
            self._put_off()
            self._thread = threading.Thread(target=self._check, name="slipway-watch", daemon=True)
            self._thread.start()

    def _end(self, kind: str) -> None:
        with self._changed:
            del self._watched[kind]

    def _put_off(self) -> None:
        """Reset faulthandler's timer, which ends the process if this watch's thread gets stuck."""
        if self.last_words is not None:
            remaining = (self.limits["step"] or self.limits["scenario"]) + _GRACE
            faulthandler.dump_traceback_later(remaining, exit=True, file=self.last_words)

    def _check(self) -> None:
        due = time.monotonic() + _PUT_OFF
        while True:
            with self._changed:
                if self._ended:
                    return
                now = time.monotonic()
                if now >= due:
                    self._put_off()
                    due = now + _PUT_OFF
                late = self._late()
                if late is None:
                    ends = [end for end, _ in self._watched.values()]
                    self._wakes = min(due, *ends) if ends else due
                    self._changed.wait(max(0.01, self._wakes - now))
                    continue
            kind, what = late
            self._hung(what if isinstance(what, str) else what(), self.limits[kind])

    def _late(self) -> Any:
        now = time.monotonic()
        return next(
            ((kind, what) for kind, (end, what) in self._watched.items() if end <= now), None
        )
