"""Token buckets: a burst and a rate per second for each key."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Buckets"]

#: Maximum number of keys; the least recently used is dropped first.
_MOST_KEYS = 10_000


class Buckets:
    """Token buckets by key, in memory only."""

    def __init__(
        self, at_once: float, a_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._a_second, self._clock = at_once, a_second, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, count: float = 1) -> bool:
        """Take tokens from a key's bucket; return False, and take none, if there are too few."""
        now = self._clock()
        left, since = self._left.pop(key, (self._at_once, now))
        left = min(self._at_once, left + (now - since) * self._a_second)
        within = left >= count
        self._left[key] = (left - count if within else left, now)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return within
