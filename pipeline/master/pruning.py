"""Prune artefacts once a day, and on request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet import defer, task, threads
from twisted.python import log

from slipway.artefacts import pruning, rendered
from slipway.artefacts.store import Store
from slipway.ledger import retention
from slipway.master.releases.decisions import DecidingLedger, ReleaseDecisions
from slipway.model.errors import SlipwayError

__all__ = ["PrunedLedger", "Pruning"]

P = ParamSpec("P")
T = TypeVar("T")
_DAY = 86400


class PrunedLedger(DecidingLedger, Protocol):
    """What pruning needs of the ledger service."""

    store_folder: str


class Pruning:
    """Deletes the artefacts of old runs according to each project's `keep`."""

    def __init__(self, ledger: PrunedLedger) -> None:
        self._ledger = ledger
        self._daily = task.LoopingCall(self._prune)

    def begin(self) -> None:
        """Start pruning once a day; what was rendered goes now: some masters live no day."""
        self._daily.start(_DAY, now=False)
        done = defer.ensureDeferred(self.sweep_rendered())
        done.addErrback(_tell_refused)
        done.addErrback(lambda failure: log.err(failure, "while deleting old pages"))

    def stop(self) -> None:
        """Stop the daily pruning."""
        if self._daily.running:
            self._daily.stop()

    def _prune(self) -> Any:
        done = defer.ensureDeferred(self._prune_daily())
        done.addErrback(_tell_refused)
        return done.addErrback(lambda failure: log.err(failure, "while pruning old runs"))

    async def _prune_daily(self) -> None:
        await self.sweep_rendered()
        if any(project.keep for project in self._ledger.projects.values()):
            await self.prune()

    async def sweep_rendered(self) -> int:
        """Delete rendered pages and pointers that no stage was given for a day.

        They go without any `keep`: each publication renders them anew.

        Returns:
            The number of bytes freed.

        Raises:
            StoreError: A backup is running.
        """
        store, now = Store(Path(self._ledger.store_folder)), time.time()
        old = await threads.deferToThread(rendered.find_old, store, now)
        if not old:
            return 0
        named = await self._ledger.read(retention.named_among, old)
        return await threads.deferToThread(rendered.delete, store, old, named, now)

    async def prune(
        self, project: str | None = None, *, actor: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """Delete the artefacts of old runs.

        Args:
            project: The project's name. None: all projects.
            actor: The person who asked for it. Empty: the daily pruning.
            dry_run: True: only find what would be deleted.

        Returns:
            What is deleted and what is kept, in the form of `pruning.as_facts`.

        Raises:
            SlipwayError: No project has `keep`, a backup is running, or a folder cannot be removed.
        """
        ledger, store = self._ledger, Store(Path(self._ledger.store_folder))
        projects = pruning.among(ledger.projects, project)
        if dry_run:
            found = await ledger.read(retention.find, projects, store, time.time())
            size = found.size
        else:
            found = await ledger.change(actor, pruning.mark, projects, store)
            size = await threads.deferToThread(pruning.remove, store, found)
            for name in {one.project for one in found.folders}:
                await ReleaseDecisions(ledger).refresh(name)
        return pruning.as_facts(found, projects, project, size, dry_run=dry_run)


def _tell_refused(failure: Any) -> None:
    failure.trap(SlipwayError)
    log.msg(f"pruning: {failure.value}")
