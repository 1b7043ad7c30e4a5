"""Write into the ledger what a stage's script tells of the targets of its release."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from twisted.internet import defer

from slipway.model.errors import StageFailed
from slipway.model.protocol.delivery import Deliveries, News
from slipway.model.protocol.event import (
    ArtefactLeft,
    TargetEvent,
)
from slipway.model.protocol.job import Job

__all__ = ["EVERY", "Targets"]

_MANIFEST = "release.json"
#: Seconds between two transactions, however much is told.
EVERY = 1.0


class Targets:
    """Consumer of what is told of targets; what is none of the stage's own is refused."""

    def __init__(
        self,
        job: Job,
        record: Callable[[Mapping[str, News]], Awaitable[None]],
        call_later: Callable[..., Any],
    ) -> None:
        """Initialize.

        Args:
            job: The stage's job, with its release.
            record: Writes what is new, by target.
            call_later: The reactor's.
        """
        self._told = Deliveries(job)
        files = job.release.files if job.release is not None else ()
        #: The master has recorded them already.
        self._own = {_MANIFEST, *(one.name for one in files)}
        self._record, self._call_later = record, call_later
        self._timer: Any = None
        self._turn = defer.DeferredLock()
        self._problem: Exception | None = None

    def take(self, event: TargetEvent) -> None:
        """Take what is told; it is written soon.

        Raises:
            ValueError: The stage has no such target, or its release no such file.
        """
        self._told.take(event)
        if self._timer is None:
            self._timer = self._call_later(EVERY, self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._turn.run(lambda: defer.Deferred.fromCoroutine(self._write()))

    async def _write(self) -> None:
        news = self._told.news()
        if not news:
            return
        try:
            await self._record(news)
        except Exception as error:  # noqa: BLE001  raised at the end, to whoever waits for it
            self._problem = self._problem or error

    async def close(self) -> None:
        """Write what is still to be written.

        Raises:
            Exception: Something could not be written.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        await self._turn.acquire()
        self._turn.release()
        if self._problem is not None:
            raise self._problem

    def check_left(self, artefacts: Iterable[ArtefactLeft]) -> None:
        """Check that the script leaves nothing in the place of the release's own files.

        Raises:
            StageFailed: It does.
        """
        if taken := self._own & {one.name for one in artefacts}:
            msg = f"the script leaves {min(taken)}, but what a release is the master says"
            raise StageFailed(msg)

    def check(self) -> None:
        """Check that the script, which says that it has passed, has told of each target.

        Raises:
            StageFailed: It has not.
        """
        if failed := ", ".join(self._told.failed):
            msg = f"the script ended well without saying that the release is public at {failed}"
            raise StageFailed(msg)
