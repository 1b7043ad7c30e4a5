"""Try again what may pass by itself: one policy for all targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from slipway.model.duration import format_duration
from slipway.model.errors import StageFailed
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock

__all__ = ["MOST", "Retries"]

#: How many times something is tried again.
MOST = 10
#: Seconds before the first time, and the most; each pause is twice the one before.
_FIRST, _LONGEST = 10.0, 300.0
#: The least that is waited, whatever a server asks for.
_SHORTEST = 1.0

_T = TypeVar("_T")


class Retries:
    """Tries again what one target does."""

    def __init__(self, title: str, clock: Clock, report: Report) -> None:
        self._title, self._clock, self._report = title, clock, report

    def __call__(self, do: Callable[[], _T]) -> _T:
        """Do something, and again after a while if it fails with `TryAgain`.

        Raises:
            StageFailed: It has failed with `TryAgain` too often, or with something else.
            Stopped: The stage is stopped.
        """
        pause = _FIRST
        for number in range(1, MOST + 1):
            self._clock.go_on()
            try:
                return do()
            except TryAgain as error:
                wait = pause if error.after is None else max(error.after, _SHORTEST)
                self._report.notice(
                    f"{self._title}: {error}; tried again in {format_duration(wait)} "
                    f"({number} of {MOST})",
                    level="warning",
                )
            self._clock.wait(wait)
            pause = min(2 * pause, _LONGEST)
        try:
            return do()
        except TryAgain as error:
            msg = f"{error}; it was tried again {MOST} times"
            raise StageFailed(msg) from None
