"""The step of a stage: send job and inputs to the worker, run the script, keep its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot.process.buildstep import BuildStep, CommandMixin
from buildbot.process.results import CANCELLED, FAILURE, SKIPPED, SUCCESS
from twisted.internet import task, threads
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python import log
from twisted.spread import pb

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.event import AnyEvent, ArtefactLeft, TargetEvent, TestResult
from slipway.model.protocol.event_codes import made_key
from slipway.model.protocol.job import Job
from slipway.model.protocol.result_sets import UNITS
from slipway.model.protocol.script_input import Dispatched
from slipway.steps.code import bring_code, tell_of_code
from slipway.steps.event_parser import ScriptCommand, StageEvents
from slipway.steps.failure_log import LOG, Failures
from slipway.steps.ledger_api import CODE_SERVICE, SERVICE, STAGE_PROPERTY, CodeApi, LedgerApi
from slipway.steps.results import MOST, Results
from slipway.steps.targets import Targets
from slipway.steps.transfer import (
    ENDING,
    Place,
    abandon,
    begin_place,
    download,
    end_place,
    upload,
)

__all__ = ["GRACE", "MOST_ARTEFACTS", "Stage"]

#: Seconds beyond the stage's own timeout, before Buildbot ends a stage that did not end itself.
GRACE = 60
#: Maximum artefacts of one stage.
MOST_ARTEFACTS = 10_000
#: Exceptions that mean a lost worker.
_LOST = (ConnectionLost, ConnectionDone, pb.PBConnectionLost, pb.DeadReferenceError)
#: Environment variables; without them Python on Windows prints in the local code page.
_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_NO_INPUT": "1",
}


class Stage(CommandMixin, BuildStep):
    """Run `slipway stage USES` on the worker."""

    flunkOnFailure = True
    haltOnFailure = True

    def __init__(self, uses: str, timeout: int = 3600, **options: Any) -> None:
        """Initialize.

        Args:
            uses: The kind of stage.
            timeout: Timeout of the stage in seconds.
            options: Buildbot's own step arguments.
        """
        options.setdefault("name", uses)
        super().__init__(**options)
        self.uses, self.timeout = uses, timeout
        self.events = StageEvents()
        #: Random per attempt: it proves that an event comes from the script itself.
        self.key = made_key()
        self.exit_code: int | None = None
        self._command: ScriptCommand | None = None
        self._has_place = self._abandoned = False
        self._told_of_code = ""
        self._failures: Failures | None = None
        self._results: Results | None = None
        self._targets: Targets | None = None

    @property
    def ledger(self) -> LedgerApi:
        """The master's ledger and store."""
        found: LedgerApi = self.master.service_manager.namedServices[SERVICE]
        return found

    @property
    def code(self) -> CodeApi:
        """The master's code for its workers."""
        found: CodeApi = self.master.service_manager.namedServices[CODE_SERVICE]
        return found

    async def run(self) -> Any:
        """Run the stage; the ledger gets the result before Buildbot does."""
        stage_id = self.getProperty(STAGE_PROPERTY)
        if stage_id is None:
            self.descriptionDone = (
                "belongs to no run: start it with 'Run this stage' or 'Run the pipeline'"
            )
            return FAILURE
        try:
            if not await self._run(stage_id):
                self.descriptionDone = "this attempt has ended already; use 'Run this stage'"
                return SKIPPED
        except SlipwayError as error:
            self.exit_code = error.exit_code
            self.events.errors.append(str(error))
            await self.addCompleteLog("problem", f"{error}\n")
        except _LOST as error:
            if not self._abandoned:
                self.ledger.record_worker_loss(stage_id)
                # Retry: another worker may do it, or this one once it is back.
                raise ConnectionLost(str(error)) from error
        except Exception as error:  # noqa: BLE001
            # A raised exception would make Buildbot quarantine the worker for some time; it is
            # logged instead.
            log.err(None, f"in the stage {self.name}")
            await self._record_exception(error)
        result = await self._end(stage_id)
        await self._leave()
        return result

    async def _run(self, stage_id: int) -> bool:
        """Run the stage; return False if this attempt had already ended."""
        job = await self.ledger.claim(stage_id, self.build.buildid, self.build.workername)
        if job is None:
            return False
        self._failures = Failures(
            lambda: self.addLog(LOG, type="h"),
            self.ledger.incoming,
            lambda artefacts: self.ledger.record_artefacts(stage_id, artefacts),
        )
        self._results = self._results_in_buildbot()
        secrets, withheld = await self.ledger.read_secrets(job)
        if self.stopped:
            return True
        if job.stage.reaches_targets and not job.stage.makes_release:
            await self.ledger.releases.check_keys()
        if job.stage.makes_release:
            if why := await self.ledger.releases.unchanged(stage_id, job):
                self.events.summary, self.exit_code = why, 0
                return True
            job = await self._release(stage_id, job)
        elif job.stage.moves_channel:
            job = await self.ledger.releases.promote(stage_id, job)
        place = await self._begin(job, self.ledger.tenant(job, secrets))
        if not self.stopped:
            await self._do(job, place, secrets, withheld)
        if not self.stopped:
            await self._keep(stage_id)
        return True

    async def _release(self, stage_id: int, job: Job) -> Job:
        """Have the master make the release, before the worker begins; return the job with it."""
        releases = self.ledger.releases
        job = await releases.make(stage_id, job)
        later = self.master.reactor.callLater
        self._targets = Targets(job, lambda told: releases.record(stage_id, told), later)
        return job

    async def _record_exception(self, error: Exception) -> None:
        """Record an unexpected exception as a failure of the stage."""
        lines = str(error).splitlines()
        why = (
            f"the worker or the master failed: {type(error).__name__}: {lines[0] if lines else ''}"
        )
        self.exit_code = StageFailed.exit_code
        self.events.errors.append(f"{why[:300]}; see the master's log")
        await self.addCompleteLog("problem", f"{why[:300]}\n")

    async def _begin(self, job: Job, tenant: str) -> Place:
        """Create a fresh place on the worker, and bring code and inputs there.

        Args:
            job: The job.
            tenant: The tenant of the place.

        Returns:
            The place.
        """
        title = f"run {job.run.number} of {job.project} ({self.name})"
        code = await self.code.code_for(self.build.workername)
        place = await begin_place(self, title, tenant, code)
        self._has_place = True
        if code is not None and not self.stopped:
            place = await bring_code(self, code, place)
            connection = self.worker.conn
            # None: it is lost just now, and the stage ends by that.
            if place.path and connection is not None and self.code.is_first(connection):
                self._told_of_code = tell_of_code(self, code, place)
        if place.problems:
            text = "".join(f"{problem}\n" for problem in place.problems)
            await self.addCompleteLog("left by earlier runs", text)
        for given in {one.sha256: one for one in job.fetched}.values():
            path = self.ledger.path(given.sha256)
            await download(self, path, given.sha256, given.size, f"{given.stage}/{given.name}")
        return place

    async def _leave(self) -> None:
        """Remove the place; errors are only logged, as the stage has ended."""
        if self._has_place and not self.stopped:
            try:
                await end_place(self)
            except (SlipwayError, *_LOST) as error:
                log.msg(f"the place of {self.name} stays for the next stage to remove: {error}")

    def interrupt(self, reason: Any) -> Any:
        """Interrupt the stage without waiting for a worker that does not answer."""
        done = super().interrupt(reason)
        self.master.reactor.callLater(ENDING, self._abandon)
        return done

    def _abandon(self) -> None:
        if self.cmd is not None:
            self._abandoned = True
            abandon(self.cmd, "the worker did not end what it had to end")

    async def _do(
        self, job: Job, place: Place, secrets: dict[str, str], withheld: tuple[str, ...]
    ) -> None:
        """Run the script to its end; it gets the job and the secrets on its standard input."""
        handed = Dispatched(job=job, key=self.key, given=place.given, secrets=secrets)
        log = await self.addLog("stdio")
        for sentence in filter(None, (self._told_of_code, *withheld)):
            await log.addHeader(f"{sentence}\n")
        command = ScriptCommand(
            place.work,
            ["slipway", "stage", self.uses, "--keyed"],
            # The worker's own PATH, where the code is not the worker's own.
            env=_ENVIRONMENT | ({"PATH": place.path} if place.path else {}),
            timeout=None,
            maxTime=self.timeout + GRACE,
            sigtermTime=5,
            logEnviron=False,
            initialStdin=handed.packed(),
            secrets=(*job.secret_values, *secrets.values()),
            key=self.key,
            on_event=self._handle_event,
            on_refused=self.events.refuse,
        )
        command.useLog(log, closeWhenFinished=True)
        self._command = command
        # A worker ends a script that overruns; this timer does not trust the worker to do so.
        much = self.timeout + GRACE + 2 * ENDING
        late = self.master.reactor.callLater(
            much, abandon, command, "the worker did not end the script in time"
        )
        try:
            await self.runCommand(command)
        except ConnectionLost as error:
            if late.active() or self.stopped:
                raise
            raise StageFailed(str(error)) from None
        finally:
            if late.active():
                late.cancel()
            if self._failures is not None:
                await self._failures.close()
            if self._targets is not None:
                await self._targets.close()
        self.exit_code = _exit_code(command.rc, self.events)
        if self.events.refusal:
            raise StageFailed(self.events.refusal)
        if self.exit_code == 0 and self._targets is not None:
            self._targets.check()

    def _handle_event(self, event: AnyEvent) -> str:
        if isinstance(event, TargetEvent):
            if self._targets is None:
                msg = f'the script tells of the target "{event.target}"; the stage has none'
                raise ValueError(msg)
            self._targets.take(event)
        line = self.events.take(event)
        if self._failures is not None:
            self._failures.take(event)
        if self._results is not None and isinstance(event, TestResult):
            self._results.take(event)
        # Cheap: Buildbot debounces these calls to one a second.
        self.updateSummary()
        return line

    async def _keep(self, stage_id: int) -> None:
        """Move the script's artefacts into the store; of a failed stage, its reports alone.

        Raises:
            StageFailed: A transfer failed.
            WrongInput: Two artefacts have the same name, or there are too many.
        """
        good = self.exit_code == 0
        artefacts = [one for one in self.events.artefacts if good or one.role == "report"]
        if self._targets is not None:
            self._targets.check_left(artefacts)
        named = {artefact.name: artefact for artefact in artefacts}
        if len(named) != len(artefacts):
            msg = "two artefacts have the same name; give each its own"
            raise WrongInput(msg)
        if len(named) > MOST_ARTEFACTS:
            msg = f"{len(named)} artefacts are left; a stage may leave {MOST_ARTEFACTS}: pack them"
            raise WrongInput(msg)
        try:
            await threads.deferToThread(
                self.ledger.check_room, sum(artefact.size for artefact in named.values())
            )
            for artefact in named.values():
                await self._store(artefact)
        except SlipwayError as error:
            if self.exit_code == 0:
                raise
            # The stage's own failure is reported; this error is secondary.
            await self.addCompleteLog("problem", f"{error}\n")
            return
        if named:
            await self.ledger.record_artefacts(stage_id, list(named.values()))

    async def _store(self, artefact: ArtefactLeft) -> None:
        incoming = self.ledger.incoming()
        try:
            await upload(self, artefact, incoming)
            await threads.deferToThread(incoming.commit, artefact.sha256, artefact.size)
        except BaseException:
            incoming.abort()
            raise

    async def _end(self, stage_id: int) -> Any:
        """Record the result in the ledger, then the test results."""
        if self.stopped:
            await self._keep_tests()
            return CANCELLED
        code = StageFailed.exit_code if self.exit_code is None else self.exit_code
        # First the result: dependent stages start now, however many tests there are to write.
        await self.ledger.record_result(stage_id, code, self.events.line, self.events.facts)
        await self._keep_tests()
        return SUCCESS if code == 0 else FAILURE

    def _results_in_buildbot(self) -> Results:
        """Return the writer of this step's test results into Buildbot's own tables."""
        updates, build = self.master.data.updates, self.build

        async def open_set(category: str) -> int:
            builder = await build.getBuilderId()
            keys = (builder, build.buildid, self.stepid, build.builder.name)
            made = await updates.addTestResultSet(*keys, category, UNITS[category])
            return int(made)

        async def keep(sets: Mapping[str, int], tests: list[TestResult]) -> None:
            await self.ledger.record_tests(await build.getBuilderId(), sets, tests)

        async def close_set(set_id: int, passed: int, failed: int) -> None:
            await updates.completeTestResultSet(set_id, tests_passed=passed, tests_failed=failed)

        async def pause(seconds: float) -> None:
            await task.deferLater(self.master.reactor, seconds)

        return Results(open_set, keep, close_set, pause)

    async def _keep_tests(self) -> None:
        """Wait for the pending test results; log how many could not be written."""
        results = self._results
        if results is None:
            return
        await results.close()
        if results.omitted or results.lost:
            omitted = f"{results.omitted:,} test results are beyond {MOST:,} and not kept"
            lost = f"{results.lost:,} test results could not be written down"
            both = [omitted] * bool(results.omitted) + [lost] * bool(results.lost)
            await self.addCompleteLog("tests left out", "\n".join(both) + "\n")

    def getCurrentSummary(self) -> dict[str, str]:
        """Return the UI's summary while the step runs."""
        return {"step": self.events.line or "running"}

    def getResultSummary(self) -> dict[str, str]:
        """Return the UI's summary at the end, for the step and for the build."""
        line = self.descriptionDone or self.events.line
        if not line:
            return dict(super().getResultSummary())
        return {"step": line, "build": line}


def _exit_code(code: Any, events: StageEvents) -> int:
    """Return a script's exit code; a script that was killed, or reported none, counts as failed."""
    if code != 0 and not events.errors:
        events.errors.append(_reason(code))
    if code in (0, 1, 2, 3):
        return int(code)
    return 3 if code in (126, 127) else 1


def _reason(code: Any) -> str:
    if code in (126, 127):
        return "`slipway` is not on the worker's PATH; install Slipway on the worker"
    return f"the stage's script ended with exit code {code} without a reason; see the log"
