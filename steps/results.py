"""Write a stage's test results into Buildbot's own tables, in batches while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from twisted.internet import defer
from twisted.python import log

from slipway.model.protocol.bounded_text import Messages, short_name
from slipway.model.protocol.event import TestResult
from slipway.model.protocol.result_sets import ALL, LONG, MOST_NS, NOT_PASSED

__all__ = ["BATCH", "LARGE", "MOST", "Results"]

#: Maximum results in one transaction, and characters of their messages: it blocks the database for
#: some 20 ms. 500 with 3,700 characters each took half a second.
BATCH = 500
LARGE = 250_000
#: Seconds after which a smaller batch is written, too.
_AT_LEAST_EVERY = 1.0
#: Maximum results of a stage that are written; more are only counted.
MOST = 250_000
#: Pending results are kept as JSON: as objects they take three times as much (160 MB for 100,000).
_WAITING = TypeAdapter(list[TestResult], config=ConfigDict(defer_build=True))
_BAD = ("failed", "error")
_SHOWN_AS_BAD = (*_BAD, "flaky", "quarantined")


class Results:
    """Consumer of a stage's results; an error in here never makes the stage fail."""

    def __init__(
        self,
        open_set: Callable[[str], Awaitable[int]],
        keep: Callable[[Mapping[str, int], list[TestResult]], Awaitable[None]],
        close_set: Callable[[int, int, int], Awaitable[None]],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        """Initialize.

        Args:
            open_set: Creates a result set of a category and returns its id.
            keep: Writes results, given the sets' ids by category.
            close_set: Closes a set, given the numbers of passed and failed results.
            pause: Sleeps for the given seconds, so that others can write.
        """
        self._open_set, self._keep, self._close_set = open_set, keep, close_set
        self._pause = pause
        self._sets: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._messages = Messages()
        self._pending: list[TestResult] = []
        self._batches = self._size = 0
        self._flushed = time.monotonic()
        self._turn = defer.DeferredLock()
        self.lost = 0
        """Number of results that could not be written."""

    @property
    def omitted(self) -> int:
        """Number of results above the limit of a stage."""
        return max(0, self._counts.total() - MOST)

    def take(self, test: TestResult) -> None:
        """Take a result without blocking; it is queued for writing."""
        self._counts[test.status] += 1
        if self.omitted:
            return
        bound = self._messages.bound(_storable(test))
        self._pending.append(bound)
        self._size += len(bound.message)
        is_full = len(self._pending) >= BATCH or self._size >= LARGE
        if is_full or time.monotonic() - self._flushed > _AT_LEAST_EVERY:
            self._flush()

    def _flush(self) -> None:
        batch, self._pending, self._size = self._pending, [], 0
        self._flushed = time.monotonic()
        if batch:
            self._batches += 1
            size, waiting = len(batch), _WAITING.dump_json(batch)
            self._turn.run(lambda: defer.Deferred.fromCoroutine(self._write(size, waiting)))

    async def _write(self, size: int, waiting: bytes) -> None:
        began = time.monotonic()
        try:
            batch = _WAITING.validate_json(waiting)
            for category in _categories(batch):
                if category not in self._sets:
                    self._sets[category] = await self._open_set(category)
            await self._keep(self._sets, batch)
        except Exception:  # noqa: BLE001  the stage's result is worth more than its tests' list
            self.lost += size
            log.err(None, "test results could not be written down")
        self._batches -= 1
        if self._batches:
            # Pause, because the database serves no queue: repeated requests would starve other
            # writers.
            await self._pause(time.monotonic() - began)

    async def close(self) -> None:
        """Wait until all results are written, and close the sets."""
        self._flush()
        await self._turn.acquire()
        self._turn.release()
        counts = self._counts
        bad = sum(counts[one] for one in _BAD)
        numbers = {
            ALL: (counts.total() - bad, bad),
            NOT_PASSED: (0, sum(counts[one] for one in _SHOWN_AS_BAD)),
            LONG: (0, 0),
        }
        sets, self._sets = self._sets, {}
        for category, set_id in sets.items():
            try:
                await self._close_set(set_id, *numbers[category])
            except Exception:  # noqa: BLE001  as above
                log.err(None, "a set of test results could not be ended")


def _categories(batch: list[TestResult]) -> list[str]:
    found = [ALL]
    if any(test.status != "passed" for test in batch):
        found.append(NOT_PASSED)
    if any(test.seconds * 1e9 > MOST_NS for test in batch):
        found.append(LONG)
    return found


def _storable(test: TestResult) -> TestResult:
    """Return a result that databases accept: without NUL characters, with a bounded name."""
    changes: dict[str, Any] = {}
    for field in ("name", "file", "message"):
        text = getattr(test, field)
        if text and "\0" in text:
            changes[field] = text.replace("\0", "\ufffd")
    name, file = (changes.get(key, getattr(test, key)) for key in ("name", "file"))
    if short_name(name) != name:
        changes["name"] = short_name(name)
    if file and short_name(file) != file:
        changes["file"] = short_name(file)
    return test.model_copy(update=changes) if changes else test
