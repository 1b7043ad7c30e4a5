"""Count the bytes on their way to all targets, and report the progress."""

from __future__ import annotations

import threading

from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock

__all__ = ["Share", "Tally"]

#: Seconds between two reports.
_PAUSE = 1.0
_MEGA = 1e6


class Tally:
    """The bytes of all targets together."""

    def __init__(self, targets: int, total: int, report: Report, clock: Clock) -> None:
        """Initialize.

        Args:
            targets: How many targets there are.
            total: The bytes that all of them need, as far as is known.
            report: Receives the progress, at most once a second.
            clock: Tells the time.
        """
        self._done, self._total = 0, total
        self._report, self._clock = report, clock
        self._places = "1 target" if targets == 1 else f"{targets} targets"
        self._next = clock.now()
        self._lock = threading.Lock()

    def add(self, count: int, what: str) -> None:
        """Count bytes, and report the progress if that is due.

        Args:
            count: The bytes; less than 0 if some must be sent again.
            what: What they are a part of, such as "almanac.zip to mirror".
        """
        with self._lock:
            self._done += count
            if self._clock.now() < self._next:
                return
            self._next = self._clock.now() + _PAUSE
            done, total = self._done / _MEGA, self._total / _MEGA
        text = f"MB are at {self._places}; now {what}"
        self._report.progress(text, round(done, 1), round(total, 1))

    def expect(self, change: int) -> None:
        """Change the bytes that are needed: a target takes not all files."""
        with self._lock:
            self._total += change


class Share:
    """The bytes of one file on its way to one target: however often they are read, counted once."""

    def __init__(self, tally: Tally, size: int, what: str) -> None:
        self._tally, self._size, self._what = tally, size, what
        self._counted = 0

    def add(self, count: int) -> None:
        """Count bytes that were read."""
        count = min(count, self._size - self._counted)
        self._counted += count
        self._tally.add(count, self._what)

    def restart(self) -> None:
        """Take back what was counted: the file is read again."""
        self._tally.add(-self._counted, self._what)
        self._counted = 0

    def settle(self) -> None:
        """Count the whole file: it is there."""
        self.add(self._size)
