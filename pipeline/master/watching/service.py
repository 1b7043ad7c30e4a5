"""Watch service: looks at the site every few seconds, and has people told of what it finds."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, ClassVar

from buildbot.util.service import BuildbotService
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from twisted.internet import defer, task, threads
from twisted.python import log

from slipway.ledger.outbox.collecting import add
from slipway.ledger.outbox.derived import Found
from slipway.ledger.outbox.flaky import newly_flaky
from slipway.ledger.tables.outbox import OutboxNotice
from slipway.ledger.tables.runs import StageResult
from slipway.master.ledger_service import find_ledger
from slipway.master.watching.bounds import DISK, QUEUE, Bounds, Disk, worker_subject
from slipway.model.errors import error_line
from slipway.model.notices.events import Event
from slipway.model.states import StageState
from slipway.model.watch import Watch
from slipway.steps.ledger_api import SERVICE

__all__ = ["WATCH", "WatchService"]

#: The name of the service.
WATCH = "slipway-watch"
#: Seconds between two looks.
_EACH = 15.0
#: After a start, the attempts are looked at that ended within so many seconds before it.
_BEFORE = 86400.0
_OF_SITE = frozenset({Event.WORKER_MISSING, Event.WORKER_BACK, Event.DISK_LOW, Event.QUEUE_LONG})


class WatchService(BuildbotService):
    """The watch service, one per master."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("watch", "workers", "told", "folders")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._looking = task.LoopingCall(self._look)
        self._bounds: Bounds | None = None
        self._flaky_since, self._flaky_after = 0.0, 0
        super().__init__(*args, **kwargs)

    def checkConfig(
        self, *, watch: Watch, workers: list[str], told: list[Event], folders: list[str]
    ) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig()

    async def reconfigService(
        self, *, watch: Watch, workers: list[str], told: list[Event], folders: list[str]
    ) -> None:
        """Apply new arguments while the master runs."""
        self.watch, self.workers, self.folders = watch, workers, folders
        self.told = frozenset(told)
        if self._bounds is not None:
            self._bounds.watch = watch
        await super().reconfigService()

    async def startService(self) -> None:
        """Begin to look; workers have their bound of time to come."""
        await super().startService()
        self._began = time.time()
        self._flaky_since = self._began - _BEFORE
        self._looking.start(_EACH, now=False)

    async def stopService(self) -> None:
        """Stop looking."""
        if self._looking.running:
            self._looking.stop()
        await super().stopService()

    def _look(self) -> Any:
        done = defer.Deferred.fromCoroutine(self.look(time.time()))
        return done.addErrback(_failed)

    async def look(self, now: float) -> None:
        """Look at everything once, and write what is found to the outbox."""
        if SERVICE not in self.master.service_manager.namedServices:
            return
        ledger = find_ledger(self.master)
        if self.told & _OF_SITE:
            try:
                await self._look_at_site(ledger, now)
            except BaseException:
                # What was told is read from the outbox again: this was not written.
                self._bounds = None
                raise
        if Event.TEST_FLAKY in self.told:
            await self._look_for_flaky(ledger)

    async def _look_at_site(self, ledger: Any, now: float) -> None:
        bounds = await self._known(ledger)
        disks = await threads.deferToThread(_disks, self.folders)
        waiting = await ledger.read(_waiting)
        found = [
            *bounds.workers(self._connected(), now),
            *bounds.disks(disks, now),
            *bounds.queue(waiting, now),
        ]
        await self._write(ledger, [one for one in found if one.event in self.told])

    async def _known(self, ledger: Any) -> Bounds:
        """Return the bounds, with what was told before the master started."""
        if self._bounds is None:
            subjects = [DISK, QUEUE, *map(worker_subject, self.workers)]
            told = await ledger.read(_last_told, subjects)
            self._bounds = Bounds(self.watch, self._began, told)
        return self._bounds

    def _connected(self) -> dict[str, bool]:
        workers = self.master.workers.workers
        return {
            name: name in workers and bool(workers[name].isConnected()) for name in self.workers
        }

    async def _look_for_flaky(self, ledger: Any) -> None:
        since, after = self._flaky_since, self._flaky_after
        found, since, after = await ledger.read(newly_flaky, since, after)
        await self._write(ledger, found)
        # Only now: what could not be written is looked at again.
        self._flaky_since, self._flaky_after = since, after

    async def _write(self, ledger: Any, found: Collection[Found]) -> None:
        if found:
            await ledger.call(add, found)
            ledger.wake_outbox()


def _failed(failure: Any) -> None:
    log.msg(f"watch: the site is looked at again in a moment: {error_line(failure.value)}")


def _last_told(session: Session, subjects: Iterable[str]) -> dict[str, tuple[Event, float]]:
    """Return the last event of each subject of the site, and when it was."""
    row = OutboxNotice
    newest = (
        select(func.max(row.id))
        .where(row.project == "", row.subject.in_(list(subjects)))
        .group_by(row.subject)
    )
    query = select(row.subject, row.event, row.at).where(row.id.in_(newest))
    return {subject: (Event(event), at) for subject, event, at in session.execute(query)}


def _waiting(session: Session) -> int:
    """Return how many stages wait for a worker."""
    query = select(func.count()).where(StageResult.state == StageState.QUEUED)
    return session.scalar(query) or 0


def _disks(folders: Iterable[str]) -> list[Disk]:
    """Return the disks of folders, each disk once."""
    found: dict[int, Disk] = {}
    for folder in folders:
        # A folder that is not there yet is made by its first user.
        with contextlib.suppress(OSError):
            path = Path(folder)
            facts = os.statvfs(path)
            found.setdefault(path.stat().st_dev, Disk(folder, facts.f_bavail * facts.f_frsize))
    return list(found.values())
