"""The scheduler of a pipeline: starts runs, and each stage the moment its needs have passed.

State is derived from the ledger. A master that was killed goes on where it was: what is open is
compared with Buildbot's own requests at the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar

from buildbot.process.results import CANCELLED, RETRY
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from twisted.internet import defer, threads
from twisted.python import log

from slipway.ledger.runs import Cause, Commit
from slipway.master import tickets
from slipway.master.commits import POLLED, look_up
from slipway.master.desk import find_desk
from slipway.master.lanes import PRIORITY
from slipway.master.tickets import Ticket, Tickets
from slipway.model.errors import MissingTool
from slipway.model.site import Project, builder_name
from slipway.repository import Mirror
from slipway.steps.desk import STAGE_PROPERTY


class PipelineScheduler(ReconfigurableBaseScheduler):
    """One per project: its runs and their joins."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("project", "repository", "mirror_folder")
    _stopping = False
    _lock: Any = None
    _consumers: list[Any]

    def checkConfig(self, *, project: Project, repository: str, mirror_folder: str) -> None:
        """Check the arguments; pipeline.toml's own check has been there before."""
        super().checkConfig(builderNames=[])

    async def reconfigService(
        self, *, project: Project, repository: str, mirror_folder: str
    ) -> None:
        """Take up a new pipeline while the master runs; open runs go on by it."""
        self.project, self.repository, self.mirror_folder = project, repository, mirror_folder
        names = [builder_name(self.name, stage) for stage in project.stages]
        self._tickets = Tickets(str(self.name), project.stages)
        if self._lock is None:
            self._lock, self._consumers = defer.DeferredLock(), []
        await super().reconfigService(builderNames=names)

    def mirror(self) -> Mirror:
        """Return the mirror of this project's repository."""
        place = f"project.{self.name}.repository"
        return Mirror(Path(self.mirror_folder), self.repository, place)

    # ---- Buildbot's calls

    @defer.inlineCallbacks
    def activate(self) -> Any:
        """Listen for commits and for stages that end, then go on with what was open."""
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
        yield self.startConsumingChanges(change_filter=_OfProject(self.name))
        self._in_background(self._go_on(), f"while going on with the runs of {self.name}")

    @defer.inlineCallbacks
    def deactivate(self) -> Any:
        """Stop listening."""
        while self._consumers:
            self._consumers.pop().stopConsuming()
        yield super().deactivate()

    def _stop(self) -> None:
        # Buildbot cancels what runs when it stops; that is no decision of a person.
        self._stopping = True

    def gotChange(self, change: Any, important: bool) -> Any:
        """Start a run for a new head."""
        if change.properties.getProperty(POLLED):
            return defer.succeed(None)
        return defer.ensureDeferred(
            self.start_run(change.branch, change.revision, Cause("poll", reason="new commits"))
        )

    def _build_ended(self, key: Any, message: dict[str, Any]) -> None:
        # RETRY: the worker was lost and Buildbot tries the same request again.
        if message["results"] != RETRY:
            self._close(message)

    def _request_ended(self, key: Any, message: dict[str, Any]) -> None:
        # A request that is cancelled while it waits never has a build; all others had one.
        if message["results"] == CANCELLED:
            self._close(message)

    def _close(self, message: dict[str, Any]) -> None:
        if not self._stopping:
            ended = self._ended(message["buildrequestid"], message["results"])
            self._in_background(ended, f"while joining stages of {self.name}")

    def _in_background(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        """Let work go on by itself; what goes wrong in it is logged."""
        defer.ensureDeferred(work).addErrback(lambda failure: log.err(failure, what))

    # ---- runs

    async def start_run(self, branch: str, revision: str | None, cause: Cause) -> Any:
        """Start a run of a branch's head or of one revision.

        Returns:
            The first stage's (buildset id, request ids), or None where the poll's run exists.

        Raises:
            WrongInput: No such branch or revision, or the repository cannot be read.
        """
        commit = await threads.deferToThread(look_up, self.mirror(), branch, revision)
        return await self.begin_run(commit, cause)

    async def begin_run(self, commit: Commit, cause: Cause) -> Any:
        """Start a run of a commit that is known; the first stages go to Buildbot at once.

        Returns:
            The first stage's (buildset id, request ids), or None where the poll's run exists.
        """
        started = await self._hand_on(self._tickets.start_and_queue, commit, cause, time.time())
        return None if started is None else (started or [(None, {})])[0]

    async def rerun_stage(self, run_number: int, stage: str, owner: str, reason: str) -> Any:
        """Try a stage of a run again, or open its gate.

        Args:
            run_number: The run's number; 0 is the newest.
            stage: The stage's name.
            owner: Who asked for it.
            reason: Why.

        Returns:
            Its (buildset id, request ids).

        Raises:
            ValueError: No such run, needs that have not passed, or the stage is at work.
        """
        return (await self._hand_on(self._tickets.rerun, run_number, stage, owner, reason))[0]

    async def _hand_on(
        self, work: Callable[..., list[Ticket] | None], *arguments: Any, **options: Any
    ) -> Any:
        """Do work on the ledger, one at a time, and hand what it queued to Buildbot.

        Returns:
            What became of each ticket; None where the work gave none.
        """
        await self._lock.acquire()
        try:
            queued = await find_desk(self.master).call(work, *arguments, **options)
            return None if queued is None else [await self._dispatch(one) for one in queued]
        finally:
            self._lock.release()

    async def _dispatch(self, ticket: Ticket) -> Any:
        """Hand a queued stage to Buildbot, and have it started without the usual pause."""
        stage = self.project.stages[ticket.name]
        name = builder_name(str(self.name), ticket.name)
        builder = self.master.botmaster.builders.get(name)
        if builder is None:
            raise MissingTool(f"Buildbot has no builder {name}; reconfigure the master")
        # The data API itself: a scheduler's own helper asks for all builders of the site first.
        set_id, requests = await self.master.data.updates.addBuildset(
            waited_for=False,
            scheduler=self.name,
            sourcestamps=[
                {
                    "codebase": "",
                    "repository": self.repository,
                    "branch": ticket.branch,
                    "revision": ticket.revision,
                    "project": self.name,
                }
            ],
            reason=f"run {ticket.run_number}: {ticket.reason or ticket.name}",
            properties=self._properties(ticket),
            builderids=[await builder.getBuilderId()],
            external_idstring=tickets.mark(ticket.stage_id),
            priority=PRIORITY[stage.lane],
        )
        self.master.botmaster.maybeStartBuildsForBuilder(name)
        desk = find_desk(self.master)
        await desk.call(tickets.bind, ticket.stage_id, set_id, next(iter(requests.values())))
        return set_id, requests

    def _properties(self, ticket: Ticket) -> dict[str, tuple[Any, str]]:
        told = {
            "scheduler": self.name,
            STAGE_PROPERTY: ticket.stage_id,
            "slipway_run": ticket.run_number,
            "slipway_version": ticket.version,
            "owner": ticket.owner,
        }
        return {key: (value, "Slipway") for key, value in told.items() if value}

    # ---- joins

    def stage_passed(self, stage_id: int) -> None:
        """Start what waited for a stage, which has just passed."""
        work = self._hand_on(self._tickets.pass_and_queue, stage_id, time.time())
        self._in_background(work, f"while joining stages of {self.name}")

    async def _ended(self, request_id: int, results: int) -> None:
        """Write down how a stage ended, and start what waited for it."""
        await self._hand_on(self._tickets.finish_and_queue, request_id, results, time.time())

    # ---- after a restart

    async def _go_on(self) -> None:
        """Compare what is open in the ledger with Buildbot's requests, and go on."""
        # Builders must be there before stages can be handed to them.
        await self.master.initLock.run(lambda: None)
        desk = find_desk(self.master)
        for stage_id, request_id in await desk.call(tickets.open_stages, self.name):
            found = request_id or await self._request_of(stage_id)
            request = await self.master.data.get(("buildrequests", str(found))) if found else None
            if found is None or request is None:
                await self._hand_on(self._tickets.requeue, stage_id, new_attempt=False)
            elif not request["complete"]:
                await desk.call(tickets.bind, stage_id, request["buildsetid"], found)
            elif request["results"] == CANCELLED:
                await self._hand_on(self._tickets.requeue, stage_id, new_attempt=True)
            else:
                await self._ended(found, request["results"])
        for run_id in await desk.call(tickets.open_runs, self.name):
            await self._hand_on(self._tickets.queue_ready, run_id)

    async def _request_of(self, stage_id: int) -> int | None:
        """Return the request of a stage whose master died before it could note it down."""
        for buildset in await self.master.data.get(("buildsets",)):
            if buildset["external_idstring"] == tickets.mark(stage_id):
                for request in await self.master.data.get(("buildrequests",)):
                    if request["buildsetid"] == buildset["bsid"]:
                        return int(request["buildrequestid"])
        return None


class _OfProject:
    """A change filter for one project."""

    def __init__(self, project: str) -> None:
        self._project = project

    def filter_change(self, change: Any) -> bool:
        return bool(change.project == self._project)
