"""Scheduler of a pipeline: starts runs, and each stage as soon as its needs have passed.

All state is derived from the ledger. After a crash the open attempts are compared with Buildbot's
build requests, and continue.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Concatenate, NamedTuple, ParamSpec, TypeVar

from buildbot.process.results import CANCELLED, RETRY
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from sqlalchemy.orm import Session
from twisted.internet import defer, threads
from twisted.python import log

from slipway.git_mirror import Mirror
from slipway.ledger.runs import last_passed
from slipway.master.gates.service import GateService
from slipway.master.gates.timer import Clock
from slipway.master.ledger_service import LedgerService, find_ledger
from slipway.master.scheduling import recovery
from slipway.master.scheduling.change_filter import ChangesFromElsewhere
from slipway.master.scheduling.dispatch import NOTHING, Dispatched, Orders, bind, dispatch
from slipway.master.scheduling.if_changed import find_skips
from slipway.master.scheduling.run_transitions import RunTransitions
from slipway.master.scheduling.startup_barrier import wait_for_start
from slipway.model.cell import cells
from slipway.model.commit import Cause, Commit
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.site import Project, builder_name
from slipway.model.states import IllegalTransition

__all__ = ["PipelineScheduler", "Started", "find_pipeline"]

P = ParamSpec("P")
T = TypeVar("T")


class Started(NamedTuple):
    """A run whose stages that could begin are dispatched."""

    number: int
    first: Dispatched
    """The first stage's buildset; NOTHING if no stage was dispatched."""


class PipelineScheduler(ReconfigurableBaseScheduler):
    """The scheduler of one project."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("project", "repository")
    _stopping = False
    _lock: Any = None
    _waiting: Any = defer.succeed(None)
    _consumers: list[Any]
    gates: GateService
    transitions: RunTransitions

    def checkConfig(self, *, project: Project, repository: str) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig(builderNames=[])

    async def reconfigService(self, *, project: Project, repository: str) -> None:
        """Apply a new pipeline while the master runs; open runs continue with it."""
        self.project, self.repository = project, repository
        names = [
            builder_name(self.name, stage, cell.name)
            for stage in project.stages
            for cell in cells(project.stages[stage])
        ]
        self.transitions = RunTransitions(self.project_name, project)
        if self._lock is None:
            self._lock, self._consumers = defer.DeferredLock(), []
            self.gates = GateService(self)
        self.gates.reconfigure(project)
        await super().reconfigService(builderNames=names)

    def mirror(self) -> Mirror:
        """Return the mirror of this project's repository."""
        return self.ledger().mirror(self.project_name)

    # ---- Buildbot's calls

    @defer.inlineCallbacks
    def activate(self) -> Any:
        """Subscribe to changes and ended builds, then continue with open work."""
        yield super().activate()
        if not self.enabled:
            return
        self.master.reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        for heard, event in (
            (self._build_ended, ("builds", None, "finished")),
            (self._request_ended, ("buildrequests", None, "complete")),
        ):
            consumer = yield self.master.mq.startConsuming(heard, event)
            self._consumers.append(consumer)
        yield self.startConsumingChanges(change_filter=ChangesFromElsewhere(self.project_name))
        self._in_background(self._resume(), f"while resuming the runs of {self.name}")

    @defer.inlineCallbacks
    def deactivate(self) -> Any:
        """Unsubscribe; a master that is still starting does not continue with open work."""
        self._waiting.cancel()
        if self._lock is not None:
            self.gates.due.stop()
            self._unsubscribe()
        while self._consumers:
            self._consumers.pop().stopConsuming()
        yield super().deactivate()

    def _unsubscribe(self) -> None:
        # A master that ends before it has started has no ledger service.
        with contextlib.suppress(KeyError):
            self.ledger().unsubscribe(self.project_name, self)

    def _stop(self) -> None:
        # Buildbot cancels running builds when it stops; no person has cancelled them.
        self._stopping = True

    def gotChange(self, change: Any, important: bool) -> Any:
        """Start a run for a change that another change source reports."""
        return defer.ensureDeferred(
            self.start_run(change.branch, change.revision, Cause("poll", reason="new commits"))
        )

    def _build_ended(self, key: Any, message: dict[str, Any]) -> None:
        # RETRY: the worker was lost, and Buildbot retries the same request.
        if message["results"] != RETRY:
            self._close(message)

    def _request_ended(self, key: Any, message: dict[str, Any]) -> None:
        # A request cancelled while it waits never has a build; all others had one.
        if message["results"] == CANCELLED:
            self._close(message)

    def _close(self, message: dict[str, Any]) -> None:
        # On SIGTERM Buildbot stops the builds first, and the reactor last.
        cancelled = message["results"] == CANCELLED and self.master.botmaster.shuttingDown
        if not self._stopping and not cancelled:
            ended = self._ended(message["buildrequestid"], message["results"])
            self._in_background(ended, f"while joining stages of {self.name}")

    def _in_background(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        """Run a coroutine in the background; log its errors."""
        defer.ensureDeferred(work).addErrback(lambda failure: log.err(failure, what))

    # ---- runs

    async def start_run(self, branch: str, revision: str | None, cause: Cause) -> Started | None:
        """Start a run of a branch's head or of one revision.

        Returns:
            The run; None if the poll's run exists already.

        Raises:
            WrongInput: No such branch or revision, or the repository cannot be read.
        """
        branch = branch or self.project.default_branch
        if not branch:
            msg = f"name a branch: project.{self.name}.branches holds patterns alone"
            raise WrongInput(msg)
        commit = await threads.deferToThread(self.mirror().fetch_commit, branch, revision)
        return await self.begin_run(commit, cause)

    async def begin_run(self, commit: Commit, cause: Cause) -> Started | None:
        """Start a run of a known commit; dispatch its first stages.

        Returns:
            The run; None if the poll's run exists already.
        """
        skips = await self._skips(commit) if cause.trigger == "poll" else {}
        work = self.transitions.start_and_queue
        return await self.dispatch_as(cause.owner, work, commit, cause, time.time(), skips)

    async def _skips(self, commit: Commit) -> dict[str, Any]:
        """Return the stages that `if-changed` skips."""
        names = [name for name, stage in self.project.stages.items() if stage.if_changed]
        if not names:
            return {}
        passed = await self.ledger().call(last_passed, str(self.name), commit.branch, names)
        stages = self.project.stages
        return await threads.deferToThread(
            find_skips, self.mirror(), commit.revision, stages, passed
        )

    async def rerun_stage(
        self,
        run_number: int,
        stage: str,
        owner: str,
        reason: str,
        *,
        cell: str = "",
        from_here: bool = False,
    ) -> Dispatched:
        """Repeat a stage of a run; a manual stage gets a new gate.

        Args:
            run_number: The run's number; 0 means the newest.
            stage: The stage's name.
            owner: The person who asked for it.
            reason: The reason.
            cell: The only cell to repeat.
            from_here: True: repeat its dependents too.

        Returns:
            The first buildset; NOTHING if a gate waits now.

        Raises:
            WrongInput: No such run, needs that have not passed, or the stage is active.
        """
        work = self.transitions.rerun
        asked = (run_number, stage, owner, reason)
        done = await self.dispatch_as(owner, work, *asked, cell=cell, from_here=from_here)
        return NOTHING if done is None else done.first

    async def rerun(self, run_number: int, cause: Cause) -> Started | None:
        """Start a new run of the revision of an earlier one.

        Raises:
            WrongInput: There is no such run.
        """
        commit = await self.ledger().call(self.transitions.commit_of, run_number)
        return await self.begin_run(commit, cause)

    async def cancel_run(self, run_number: int, owner: str, reason: str) -> None:
        """Cancel a run: its queued stages never start, running ones are stopped, its gates close.

        Raises:
            WrongInput: There is no such run, or it has ended.
        """
        await self.dispatch(self.transitions.cancel_run, run_number, owner, reason)

    # ---- the ledger

    @property
    def project_name(self) -> str:
        """The project's name, which is the scheduler's, too."""
        return str(self.name)

    @property
    def clock(self) -> Clock:
        """The master's reactor."""
        reactor: Clock = self.master.reactor
        return reactor

    def ledger(self) -> LedgerService:
        """Return the ledger service, which does not exist yet while the master starts."""
        return find_ledger(self.master)

    async def dispatch(
        self, work: Callable[Concatenate[Session, P], Orders], *args: P.args, **kwargs: P.kwargs
    ) -> Started | None:
        """Do work on the ledger, one at a time, and dispatch its orders to Buildbot.

        Args:
            work: Called with a session, then the arguments.
            *args: Passed on to it.
            **kwargs: Passed on to it.

        Returns:
            The run of the orders; None if the work returned none.
        """
        return await self.dispatch_as("", work, *args, **kwargs)

    async def dispatch_as(
        self,
        actor: str,
        work: Callable[Concatenate[Session, P], Orders | None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Started | None:
        """Do the same as `dispatch`, with a person as the actor in the audit trail."""

        def transaction(session: Session) -> tuple[Orders | None, Orders | None]:
            orders = work(session, *args, **kwargs)
            return orders, orders

        orders, dispatched = await self.transact(actor, transaction)
        if orders is None:
            return None
        return Started(orders.run, dispatched[0] if dispatched else NOTHING)

    async def transact(
        self,
        actor: str,
        work: Callable[[Session], tuple[T, Orders | None]],
        *,
        committed: Callable[[], None] = lambda: None,
    ) -> tuple[T, list[Dispatched]]:
        """Do work on the ledger, one at a time, and dispatch its orders to Buildbot.

        Args:
            actor: The person for the audit trail; empty: the machine.
            work: Called with a session; returns its result, and the orders if there are any.
            committed: Called after the commit, before anything is dispatched.

        Returns:
            The work's result, and what was dispatched.
        """
        await self._lock.acquire()
        try:
            result, orders = await self.ledger().change(actor, work)
            committed()
            if orders is None:
                return result, []
            where = (self.project_name, self.project, self.repository)
            return result, await dispatch(self.master, *where, orders)
        finally:
            self._lock.release()

    # ---- joins

    def gates_changed(self) -> None:
        """Reschedule the gates' timer."""
        self.gates.due.changed()

    def stage_passed(self, stage_id: int) -> None:
        """Start the dependents of a stage that has just passed, in the background."""
        self._in_background(self._passed(stage_id), f"while joining stages of {self.name}")

    async def _passed(self, stage_id: int) -> None:
        try:
            await self.dispatch(self.transitions.pass_and_queue, stage_id, time.time())
        except IllegalTransition:
            await self.dispatch(self.transitions.break_off, time.time(), stage_id=stage_id)

    async def _ended(self, request_id: int, results: int) -> None:
        """Record the final state of a stage, and start its dependents."""
        try:
            await self.dispatch(self.transitions.finish_and_queue, request_id, results, time.time())
        except IllegalTransition:
            await self.dispatch(self.transitions.break_off, time.time(), request_id=request_id)
        await self.gates.forget()

    # ---- after a restart

    async def _resume(self) -> None:
        """Compare open attempts with Buildbot's build requests, and continue."""
        # Builders must exist before stages can be dispatched to them.
        self._waiting = wait_for_start(self.master)
        if not await self._waiting:
            return
        ledger = self.ledger()
        # From here on; what happened before is found by the queries below.
        ledger.subscribe(self.project_name, self)
        await ledger.call(recovery.end_stopping, self.name)
        for stage_id, request_id in await ledger.call(recovery.open_stages, self.name):
            try:
                await self._reopen_after_restart(stage_id, request_id)
            except IllegalTransition:
                # Continue with the others all the same.
                await self.dispatch(self.transitions.break_off, time.time(), stage_id=stage_id)
        for run_id in await ledger.call(recovery.open_runs, self.name):
            # Logged and recorded in the audit trail already.
            with contextlib.suppress(IllegalTransition):
                await self.dispatch(self.transitions.queue_ready, run_id)
        await self.gates.due.begin()

    async def _reopen_after_restart(self, stage_id: int, request_id: int | None) -> None:
        """Continue an attempt that was open when the master ended."""
        found = request_id or await recovery.request_of(self.master, stage_id)
        request = await self.master.data.get(("buildrequests", str(found))) if found else None
        if found is not None and request is not None and request_id is None:
            await self.ledger().call(bind, stage_id, request["buildsetid"], found)
        if request is None:
            await self.dispatch(self.transitions.requeue, stage_id, request_id, new_attempt=False)
        elif request["complete"] and request["results"] == CANCELLED:
            await self.dispatch(self.transitions.requeue, stage_id, found, new_attempt=True)
        elif request["complete"]:
            await self._ended(int(request["buildrequestid"]), request["results"])


def find_pipeline(master: Any, project: str) -> PipelineScheduler:
    """Return the scheduler of a project.

    Raises:
        MissingTool: It does not exist, or does not exist yet.
    """
    found = master.scheduler_manager.namedServices.get(project)
    if not isinstance(found, PipelineScheduler):
        msg = f"{project} is not ready yet; try again in a few seconds"
        raise MissingTool(msg)
    return found
