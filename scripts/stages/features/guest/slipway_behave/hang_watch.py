"""A watch on steps and hooks: what hangs is told, and ends the process."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

#: What a hang that lets no Python thread run has beyond its time, until C code ends the process.
_GRACE = 15.0
#: How often that end is put off. Doing so starts a thread: at each step it took longer than that.
_PUT_OFF = 5.0


class Watch:
    """Ends what takes too long; a thread of its own, started when there is something to watch."""

    def __init__(self, step: float, scenario: float, hung: Callable[[str, float], None]) -> None:
        """Prepare.

        Args:
            step: Seconds that a step or hook may take; 0 for ever.
            scenario: Seconds that a scenario may take with its hooks; 0 for ever.
            hung: Called with what hangs and its limit, from the watch's thread; ends the process.
        """
        self.limits = {"step": step, "scenario": scenario}
        self.last_words: TextIO | None = None
        self._hung = hung
        self._changed = threading.Condition()
        self._watched: dict[str, tuple[float, str]] = {}
        self._wakes = 0.0
        self._ended = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, kind: str, what: str) -> Iterator[None]:
        """Watch over a step (or hook) or a scenario; inside another of its kind it does nothing."""
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
        """Watch no more."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            faulthandler.cancel_dump_traceback_later()

    def _begin(self, kind: str, what: str, limit: float) -> None:
        end = time.monotonic() + limit
        with self._changed:
            self._watched[kind] = (end, what)
            if end < self._wakes:
                self._changed.notify()
        if self._thread is None:
            self._put_off()
            self._thread = threading.Thread(target=self._look, name="slipway-watch", daemon=True)
            self._thread.start()

    def _end(self, kind: str) -> None:
        with self._changed:
            del self._watched[kind]

    def _put_off(self) -> None:
        """Let faulthandler end the process should this watch's thread be stuck from now on."""
        if self.last_words is not None:
            left = (self.limits["step"] or self.limits["scenario"]) + _GRACE
            faulthandler.dump_traceback_later(left, exit=True, file=self.last_words)

    def _look(self) -> None:
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
            self._hung(late[1], self.limits[late[0]])

    def _late(self) -> Any:
        now = time.monotonic()
        return next(
            ((kind, what) for kind, (end, what) in self._watched.items() if end <= now), None
        )
