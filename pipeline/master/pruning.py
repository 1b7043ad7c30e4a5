"""Pruning once a day, and whenever a person asks for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet import defer, task, threads
from twisted.python import log

from slipway.artefacts import pruning
from slipway.artefacts.store import Store
from slipway.ledger import retention
from slipway.model.errors import SlipwayError

if TYPE_CHECKING:
    from slipway.master.ledger_service import Desk

_DAY = 86400


class Pruning:
    """Lets the artefacts of old runs go, as each project's `keep` says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._daily = task.LoopingCall(self._prune)

    def begin(self) -> None:
        """Prune once a day from now on."""
        self._daily.start(_DAY, now=False)

    def stop(self) -> None:
        """Prune by itself no more."""
        if self._daily.running:
            self._daily.stop()

    def _prune(self) -> Any:
        if not any(project.keep for project in self._desk.projects.values()):
            return None
        done = defer.ensureDeferred(self.prune())
        done.addErrback(_tell_refused)
        return done.addErrback(lambda failure: log.err(failure, "while pruning old runs"))

    async def prune(
        self, project: str | None = None, *, actor: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """Let the artefacts of old runs go.

        Args:
            project: One project's; None: all of them.
            actor: Who asked for it; empty: it happens by itself.
            dry_run: Only find what would go.

        Returns:
            What goes and what stays, as `pruning.told` has it.

        Raises:
            SlipwayError: Nothing says how long to keep, a backup is being made, or a folder
                cannot be removed.
        """
        desk, store = self._desk, Store(Path(self._desk.store_folder))
        projects = pruning.among(desk.projects, project)
        if dry_run:
            found = await desk.read(retention.find, projects, store, time.time())
            size = found.size
        else:
            found = await desk.change(actor, pruning.mark, projects, store)
            size = await threads.deferToThread(pruning.remove, store, found)
        return pruning.told(found, projects, project, size, dry_run=dry_run)


def _tell_refused(failure: Any) -> None:
    failure.trap(SlipwayError)
    log.msg(f"pruning: {failure.value}")
