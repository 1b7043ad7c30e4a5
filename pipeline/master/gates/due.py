"""Process the gates of a project whose time has come: expiry, windows, the end of a freeze."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from slipway.ledger import gates, runs
from slipway.ledger.tables.gates import Gate
from slipway.master.gates.finder import GateFinder
from slipway.master.gates.timer import Clock, DueTimer
from slipway.master.ledger_service import LedgerService
from slipway.master.scheduling.dispatch import Dispatched, Orders
from slipway.master.scheduling.run_transitions import RunTransitions
from slipway.model.kinds.stage import Stage
from slipway.model.states import GateState, IllegalTransition

__all__ = ["LOST", "DueGates", "Pipeline", "settle"]

T = TypeVar("T")
LOST = "the master was restarted and its secrets are lost: it must be asked anew"


class Pipeline(Protocol):
    """What the gate service needs of its project's scheduler."""

    @property
    def project_name(self) -> str:
        """The project's name."""

    @property
    def clock(self) -> Clock:
        """The reactor."""

    @property
    def transitions(self) -> RunTransitions:
        """The transitions of the project's runs, by its current pipeline."""

    def ledger(self) -> LedgerService:
        """Return the ledger service, which does not exist yet while the master starts."""

    async def transact(
        self,
        actor: str,
        work: Callable[[Session], tuple[T, Orders | None]],
        *,
        committed: Callable[[], None] = ...,
    ) -> tuple[T, list[Dispatched]]:
        """Do work on the ledger in one transaction, and dispatch its orders after the commit."""


class DueGates:
    """Closes expired gates, and queues stages that may start by now."""

    def __init__(self, pipeline: Pipeline, finder: GateFinder) -> None:
        self.name = pipeline.project_name
        self._pipeline, self._finder = pipeline, finder
        self._timer = DueTimer(self, pipeline.clock)

    async def begin(self) -> None:
        """Start the timer, and process what became due while the master was stopped."""
        self._timer.begin()
        await self.process_due()

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.stop()

    def changed(self) -> None:
        """Reschedule the timer after a gate was created or changed."""
        self._timer.changed()

    async def process_due(self) -> None:
        """Close expired gates, queue stages that may start, and reschedule the timer."""
        for gate_id in await self._pipeline.ledger().call(self._expire_and_list, time.time()):
            # One that fails, which is in the log, must not block the others.
            with contextlib.suppress(IllegalTransition):
                await self._pipeline.transact("", partial(self._queue, gate_id=gate_id))
        await self._timer.set()

    def _queue(self, session: Session, *, gate_id: int) -> tuple[None, Orders]:
        return None, self._pipeline.transitions.queue_approved(session, gate_id)

    def _expire_and_list(self, session: Session, now: float) -> list[int]:
        approved, holds = [], self._pipeline.ledger().given_secrets.holds
        for gate in gates.undecided(session, self.name):
            if gates.has_expired(gate, now):
                stage = self._finder.pipeline.stages.get(gate.stage)
                gates.close(
                    session, gate, stage, GateState.EXPIRED, "nobody opened it in time", now
                )
                settle(session, gate, self._finder.pipeline.stages, now)
            elif gate.state in {GateState.ASKED, GateState.APPROVED} and not holds(gate):
                gates.reopen(session, gate, LOST, now)
            elif gate.state == GateState.APPROVED:
                approved.append(gate.id)
        return approved

    async def next_due(self) -> float | None:
        """Return the time when a gate expires or may open, in seconds since 1970, or None."""
        return await self._pipeline.ledger().read(self._due, time.time())

    def _due(self, session: Session, now: float) -> float | None:
        stages = self._finder.pipeline.stages
        dues = [
            gates.due_at(session, gate, stages[gate.stage], now)
            for gate in gates.timed(session, self.name)
            if gate.stage in stages
        ]
        return min((due for due in dues if due is not None), default=None)


def settle(session: Session, gate: Gate, stages: Mapping[str, Stage], now: float) -> None:
    """Update the state of a gate's run; a rollback to the run does not change it."""
    if not gates.brings_back(session, gate):
        runs.settle(gate.run, stages, now)
