"""Queue texts for a Buildbot log, which takes one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from twisted.internet import defer
from twisted.python import log

__all__ = ["LogQueue"]

#: Characters from which on a pending text is not extended.
_TOGETHER = 500_000


@dataclass
class _Waiting:
    """A pending text of one stream."""

    stream: str
    texts: list[str] = field(default_factory=list)
    size: int = 0
    written: defer.Deferred[None] = field(default_factory=defer.Deferred)


class LogQueue:
    """Write texts in order; texts that arrive during a write are joined into one.

    Buildbot queries the database three times for each text: a verbose script would leave hundreds
    pending at its end, and all others would wait for the database between them.
    """

    def __init__(self, write: Callable[[str, str], Awaitable[None]]) -> None:
        """Initialize.

        Args:
            write: Writes a text to a stream.
        """
        self._write = write
        self._waiting: deque[_Waiting] = deque()
        self._last: defer.Deferred[None] = defer.succeed(None)
        self._writes = False

    def put(self, stream: str, text: str) -> defer.Deferred[None]:
        """Queue whole lines; return a Deferred that fires once they are written."""
        last = self._waiting[-1] if self._waiting else None
        if last is None or last.stream != stream or last.size >= _TOGETHER:
            last = _Waiting(stream)
            self._waiting.append(last)
            self._last = last.written
        last.texts.append(text)
        last.size += len(text)
        if not self._writes:
            self._writes = True
            defer.Deferred.fromCoroutine(self._work())
        return last.written

    def written(self) -> defer.Deferred[None]:
        """Return a Deferred that fires once all queued texts are written."""
        return self._last

    async def _work(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            try:
                await self._write(one.stream, "".join(one.texts))
            except Exception:  # noqa: BLE001  the stage's result is worth more than its log
                log.err(None, "a stage's output could not be written to its log")
            one.written.callback(None)
        self._writes = False
