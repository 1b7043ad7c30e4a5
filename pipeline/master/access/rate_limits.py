"""Token buckets: so many at once, and so many a second from then on, counted for each key."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

#: More keys than this are not remembered; the one that was quiet longest goes first.
_MOST_KEYS = 10_000


class Buckets:
    """Counts what comes of each key; what it knows is gone when the master ends."""

    def __init__(
        self, at_once: float, a_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, count: float = 1) -> bool:
        """Tell whether one more is within bounds, and count it where it is."""
        now = self._clock()
        left, since = self._left.pop(key, (self._at_once, now))
        left = min(self._at_once, left + (now - since) * self._a_second)
        within = left >= count
        self._left[key] = (left - count if within else left, now)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return within
