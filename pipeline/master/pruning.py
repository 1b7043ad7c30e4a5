"""Prune artefacts once a day, and on request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet import defer, task, threads
from twisted.python import log

from slipway.artefacts import pruning
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
        """Start pruning once a day."""
        self._daily.start(_DAY, now=False)

    def stop(self) -> None:
        """Stop the daily pruning."""
        if self._daily.running:
            self._daily.stop()

    def _prune(self) -> Any:
        if not any(project.keep for project in self._ledger.projects.values()):
            return None
        done = defer.ensureDeferred(self.prune())
        done.addErrback(_tell_refused)
        return done.addErrback(lambda failure: log.err(failure, "while pruning old runs"))

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
