"""Throttle password guesses without locking out the person who knows the password.

Failures are counted by name and address. After a few, each further attempt waits in a queue until a
pause has passed; it is not refused, since a guess at the end of each pause would then lock the
right password out. A browser that has signed in before has a signed cookie and its own counter
(OWASP: device cookie), which other people's guesses do not touch.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any

from twisted.internet import defer, reactor, task

from slipway.master.access.rate_limits import Buckets
from slipway.model.access import Unknown

__all__ = ["Attempt", "Throttle"]

#: Failures before the first pause: from one address, of one name, and of one pair of both before
#: and after one of the first two limits is reached.
_ADDRESS, _PERSON, _FREE, _FREE_IN_A_CROWD = 20, 50, 5, 1
#: Seconds of the first pause; each is twice as long as the one before, up to the longest, so that
#: browsers do not time out.
_FIRST, _LONGEST = 1.0, 15.0
_FORGOTTEN = 3600.0
#: Maximum number of waiting attempts: in one queue, and of one address.
_IN_LINE, _OF_ADDRESS = 5, 25
_MOST_KEYS = 10_000


@dataclass(frozen=True)
class Attempt:
    """A login attempt."""

    name: str
    address: str
    """The key of the client's address."""
    browser: str = ""
    """The device number of a browser that has signed in by this name before; empty: none."""
    known: bool = True
    """True if a person of this name exists."""

    @property
    def key(self) -> tuple[str, ...]:
        """The key of its failure counter and its queue."""
        if self.browser:
            return ("browser", self.browser)
        # Unknown names must not displace the counters of real people.
        return ("pair" if self.known else "nobody", self.name, self.address)


class _Line:
    """A queue of attempts; each waits for a pause when it is its turn."""

    def __init__(self) -> None:
        self.lock = defer.DeferredLock()
        self.waiting = 0


class Throttle:
    """Failure counters, in memory only."""

    def __init__(self, clock: Any = reactor) -> None:
        """Create empty counters.

        Args:
            clock: Source of time and delays: a reactor, or Twisted's Clock.
        """
        self._clock = clock
        self._failures: dict[str, OrderedDict[tuple[str, ...], tuple[int, float]]] = {}
        self._lines: dict[tuple[str, ...], _Line] = {}
        self._waiting: Counter[str] = Counter()
        self.guesses = Buckets(_ADDRESS, 1 / _LONGEST)
        """Rate limit by address for a password that cannot be guessed."""

    async def turn(self, attempt: Attempt) -> None:
        """Wait until an attempt may be checked; count it as failed in advance.

        Raises:
            Unknown: Too many wait already; the message gives the seconds until the next try.
        """
        line = self._lines.get(attempt.key) or _Line()
        pause, here = self.pause(attempt), attempt.address
        if line.waiting >= _IN_LINE or (pause > 0 and self._waiting[here] >= _OF_ADDRESS):
            msg = f"too many failed sign-ins; try again in {math.ceil(pause) or 1} seconds"
            raise Unknown(msg, 429)
        self._lines[attempt.key] = line
        line.waiting += 1
        self._waiting[here] += 1
        try:
            await line.lock.run(self._count_in_time, attempt)
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[attempt.key]
            self._waiting[here] -= 1
            if not self._waiting[here]:
                del self._waiting[here]

    def _count_in_time(self, attempt: Attempt) -> Any:
        pause = self.pause(attempt)
        if pause > 0:
            return task.deferLater(self._clock, pause, self._count, attempt)
        return self._count(attempt)

    def pause(self, attempt: Attempt) -> float:
        """Return the seconds until an attempt may be checked; 0 if it may be now."""
        count, last = self._of(attempt.key)
        users = not attempt.browser and (
            self.crowded(attempt.address) or self._of(("person", attempt.name))[0] >= _PERSON
        )
        free = _FREE_IN_A_CROWD if users else _FREE
        if count < free:
            return 0.0
        pause = min(_LONGEST, _FIRST * 2.0 ** min(count - free, 10))
        return max(0.0, last + pause - self._now())

    def crowded(self, address: str) -> bool:
        """Return whether many attempts from an address have failed in the last hour."""
        return self._of(("address", address))[0] >= _ADDRESS

    def passed(self, attempt: Attempt) -> None:
        """Reset the failure counter after a correct password; take back what `turn` has counted."""
        kind = attempt.key[0]
        self._failures.get(kind, OrderedDict()).pop(attempt.key, None)
        for key in _wider(attempt):
            count, last = self._of(key)
            if count:
                self._failures[key[0]][key] = (count - 1, last)

    def _count(self, attempt: Attempt) -> None:
        now = self._now()
        for key in (attempt.key, *_wider(attempt)):
            count = self._of(key)[0] + 1
            kept = self._failures.setdefault(key[0], OrderedDict())
            kept[key] = (count, now)
            kept.move_to_end(key)
            if len(kept) > _MOST_KEYS:
                kept.popitem(last=False)

    def _of(self, key: tuple[str, ...]) -> tuple[int, float]:
        count, last = self._failures.get(key[0], OrderedDict()).get(key, (0, 0.0))
        return (0, 0.0) if self._now() - last > _FORGOTTEN else (count, last)

    def _now(self) -> float:
        return float(self._clock.seconds())


def _wider(attempt: Attempt) -> list[tuple[str, ...]]:
    if attempt.browser:
        return []
    found: list[tuple[str, ...]] = [("address", attempt.address)]
    if attempt.known:
        found.append(("person", attempt.name))
    return found
