"""Wait, until the time is over or the stage is stopped."""

from __future__ import annotations

import threading
import time

from slipway.model.errors import Stopped

__all__ = ["Clock"]


class Clock:
    """The time, for all targets of a stage. Tests have one whose waits take no time."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: The stage is stopped, before or meanwhile.
        """
        if self._stopped.wait(seconds):
            msg = "the stage was stopped while it brought the release to its targets"
            raise Stopped(msg)

    def go_on(self) -> None:
        """Do nothing, unless the stage is stopped.

        Raises:
            Stopped: It is.
        """
        if self._stopped.is_set():
            self.wait(0)

    def stop(self) -> None:
        """End all waits, now and later."""
        self._stopped.set()
