"""Limit the bandwidth to one target."""

from __future__ import annotations

from slipway.scripts.stages.publish.delivery.clock import Clock

__all__ = ["Throttle"]

#: Seconds of which the bandwidth may be saved up while nothing is sent.
_SAVED = 0.25


class Throttle:
    """A bucket that fills with the bandwidth; whoever empties it waits."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        """Initialize, with a full bucket.

        Args:
            rate: Bytes a second. None: no limit.
            clock: Waits.
        """
        self._rate, self._clock = rate, clock
        self._free_at = clock.now() - _SAVED

    def take(self, count: int) -> None:
        """Wait until so many bytes may pass.

        Raises:
            Stopped: The stage is stopped.
        """
        self._clock.go_on()
        if self._rate is None:
            return
        now = self._clock.now()
        self._free_at = max(self._free_at, now - _SAVED) + count / self._rate
        if self._free_at > now:
            self._clock.wait(self._free_at - now)
