"""A pause after too many failed sign-ins, longer with each one more."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

#: Failures before the first pause: of one person from one address, from one address, of one person.
_PAIR, _ADDRESS, _PERSON = 5, 20, 50
_FIRST, _LONGEST = 15.0, 900.0
_FORGOTTEN = 3600.0
_MOST_KEYS = 10_000


class Throttle:
    """Counts failures; what it knows is gone when the master ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], tuple[int, float]] = OrderedDict()

    def wait(self, person: str, address: str) -> float:
        """Return the seconds until somebody may try again; 0: now."""
        now = self._clock()
        longest = 0.0
        for key, limit in _keys(person, address):
            count, last = self._failures.get(key, (0, now))
            if count >= limit:
                pause = min(_LONGEST, _FIRST * 2.0 ** min(count - limit, 10))
                longest = max(longest, last + pause - now)
        return longest

    def begins(self, person: str, address: str) -> None:
        """Count an attempt as failed before it is known: many at once are counted, too."""
        now = self._clock()
        for key, _ in _keys(person, address):
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - last > _FORGOTTEN else count + 1, now)
        while len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def passed(self, person: str, address: str) -> None:
        """Take an attempt back; a person's failures where they have now signed in are forgotten."""
        pair, *others = (key for key, _ in _keys(person, address))
        self._failures.pop(pair, None)
        for key in others:
            count, last = self._failures.pop(key, (0, 0.0))
            if count > 1:
                self._failures[key] = (count - 1, last)


def _keys(person: str, address: str) -> list[tuple[tuple[str, ...], int]]:
    return [
        (("pair", person, address), _PAIR),
        (("address", address), _ADDRESS),
        (("person", person), _PERSON),
    ]
