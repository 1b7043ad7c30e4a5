"""Texts on their way into a log of Buildbot's, which takes them one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from twisted.internet import defer
from twisted.python import log

#: Characters from which on a text that waits is not added to.
_TOGETHER = 500_000


@dataclass
class _Waiting:
    """What waits to be written, of one stream."""

    stream: str
    texts: list[str] = field(default_factory=list)
    size: int = 0
    written: defer.Deferred[None] = field(default_factory=defer.Deferred)


class LogQueue:
    """Writes texts in the order they come; what comes meanwhile is written together.

    Buildbot asks the database three times for each text: a script that says much would have
    hundreds waiting when it has ended, and everybody else waits for the database between them.
    """

    def __init__(self, write: Callable[[str, str], Awaitable[None]]) -> None:
        """Begin.

        Args:
            write: Writes a text to a stream.
        """
        self._write = write
        self._waiting: deque[_Waiting] = deque()
        self._last: defer.Deferred[None] = defer.succeed(None)
        self._writes = False

    def put(self, stream: str, text: str) -> defer.Deferred[None]:
        """Have whole lines written; what is returned fires once they are."""
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
        """Return what fires once all that was put is written."""
        return self._last

    async def _work(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            try:
                await self._write(one.stream, "".join(one.texts))
            except Exception:  # noqa: BLE001  the stage's result is worth more than its log
                log.err(None, "what a stage has said could not be written to its log")
            one.written.callback(None)
        self._writes = False
