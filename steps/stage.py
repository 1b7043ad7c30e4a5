"""The step of a stage: gives the worker its job and inputs, runs the script, keeps what it left."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot.process.buildstep import BuildStep, CommandMixin
from buildbot.process.results import CANCELLED, FAILURE, SKIPPED, SUCCESS
from twisted.internet import threads

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.event import AnyEvent, ArtefactLeft
from slipway.model.job import Job
from slipway.steps.desk import SERVICE, STAGE_PROPERTY, Desk
from slipway.steps.failures import LOG, Failures
from slipway.steps.listening import Heard, ScriptCommand
from slipway.steps.transfer import download, upload

#: Seconds beyond its own timeout before Buildbot ends a stage that could not end itself.
GRACE = 60
#: What Buildbot's column for a test's time holds on PostgreSQL: 2.1 seconds of nanoseconds.
_MOST_NS = 2**31 - 1
#: Windows prints in its own code page unless told.
_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_NO_INPUT": "1",
}


class StageStep(CommandMixin, BuildStep):
    """Runs `slipway stage USES` on the worker. Use one of its subclasses."""

    uses: ClassVar[str]
    flunkOnFailure = True
    haltOnFailure = True

    def __init__(self, timeout: int = 3600, **options: Any) -> None:
        """Make the step.

        Args:
            timeout: Seconds the stage may take.
            options: Buildbot's own step arguments.
        """
        options.setdefault("name", self.uses)
        super().__init__(**options)
        self.timeout = timeout
        self.heard = Heard()
        self.exit_code: int | None = None
        self._command: ScriptCommand | None = None
        self._failures: Failures | None = None

    @property
    def desk(self) -> Desk:
        """The master's ledger and store."""
        found: Desk = self.master.service_manager.namedServices[SERVICE]
        return found

    async def run(self) -> Any:
        """Do the stage; the ledger knows how it ended before Buildbot does."""
        stage_id = self.getProperty(STAGE_PROPERTY)
        if stage_id is None:
            self.descriptionDone = (
                "belongs to no run: start it with 'Run this stage' or 'Run the pipeline'"
            )
            return FAILURE
        try:
            job = await self.desk.claim(stage_id, self.build.buildid, self.build.workername)
            if job is None:
                self.descriptionDone = "this attempt has ended already; use 'Run this stage'"
                return SKIPPED
            self._failures = Failures(
                lambda: self.addLog(LOG, type="h"),
                self.desk.incoming,
                lambda artefacts: self.desk.left(stage_id, artefacts),
            )
            await self._fetch(job)
            await self._do()
            if not self.stopped:
                await self._keep(stage_id)
        except SlipwayError as error:
            self.exit_code = error.exit_code
            self.heard.errors.append(str(error))
            await self.addCompleteLog("problem", f"{error}\n")
        return await self._end(stage_id)

    async def _fetch(self, job: Job) -> None:
        """Bring the job and its inputs to the worker."""
        for given in job.fetched:
            target = given.path.removeprefix("../")
            await download(self, self.desk.path(given.sha256), target)
        # It may hold a gate's secrets; the script removes it then.
        mode = 0o600 if job.deployment is not None or job.answers else None
        await download(self, job.model_dump_json(by_alias=True), "job.json", mode)

    async def _do(self) -> None:
        """Run the script to its end."""
        command = ScriptCommand(
            self.workdir,
            ["slipway", "stage", self.uses, "--settings", "../job.json"],
            env=dict(_ENVIRONMENT),
            timeout=None,
            maxTime=self.timeout + GRACE,
            sigtermTime=5,
            logEnviron=False,
            heard=self._hear,
        )
        command.useLog(await self.addLog("stdio"), closeWhenFinished=True)
        self._command = command
        try:
            await self.runCommand(command)
        finally:
            if self._failures is not None:
                await self._failures.close()
        self.exit_code = _exit_code(command.rc, self.heard)

    def _hear(self, event: AnyEvent) -> str:
        line = self.heard.take(event)
        if self._failures is not None:
            self._failures.take(event)
        # Buildbot itself gathers these calls: at most one of them a second does anything.
        self.updateSummary()
        return line

    async def _keep(self, stage_id: int) -> None:
        """Bring what the script left into the store: of a stage that failed, its reports.

        Raises:
            StageFailed: One could not be brought.
            WrongInput: Two have the same name.
        """
        artefacts = self.heard.artefacts
        if self.exit_code != 0:
            artefacts = [one for one in artefacts if one.role == "report"]
        left = {artefact.name: artefact for artefact in artefacts}
        if len(left) != len(artefacts):
            msg = "two artefacts have the same name; give each its own"
            raise WrongInput(msg)
        try:
            for artefact in left.values():
                await self._store(artefact)
        except SlipwayError as error:
            if self.exit_code == 0:
                raise
            # Why the stage failed is told; this is not it.
            await self.addCompleteLog("problem", f"{error}\n")
            return
        if left:
            await self.desk.left(stage_id, list(left.values()))

    async def _store(self, artefact: ArtefactLeft) -> None:
        incoming = self.desk.incoming()
        try:
            await upload(self, artefact.path, incoming)
            await threads.deferToThread(incoming.commit, artefact.sha256, artefact.size)
        except BaseException:
            incoming.abort()
            raise

    async def _end(self, stage_id: int) -> Any:
        """Tell the ledger and the test results' tables how it was."""
        if self.stopped:
            return CANCELLED
        code = StageFailed.exit_code if self.exit_code is None else self.exit_code
        # First: what waits for this stage starts now, however many tests there are to write down.
        await self.desk.said(stage_id, code, self.heard.line, self.heard.facts)
        if self.heard.tests:
            await self._keep_tests()
        return SUCCESS if code == 0 else FAILURE

    async def _keep_tests(self) -> None:
        """Pass the tests on to Buildbot's own tables."""
        set_id = await self.addTestResultSet(self.build.builder.name, "pass_fail", "boolean")
        for test in self.heard.tests:
            self.addTestResult(
                set_id,
                "0" if test.status in {"failed", "error"} else "1",
                test_name=test.name,
                test_code_path=test.file,
                line=test.line,
                duration_ns=min(int(test.seconds * 1e9), _MOST_NS),
            )
        long = [test for test in self.heard.tests if test.seconds * 1e9 > _MOST_NS]
        if long:
            set_id = await self.addTestResultSet(self.build.builder.name, "duration", "seconds")
            for test in long:
                self.addTestResult(set_id, f"{test.seconds:.6f}", test_name=test.name)
        told = [test for test in self.heard.tests if test.status != "passed"]
        if told:
            # What "boolean" cannot say: how a test did not pass, and what it said.
            set_id = await self.addTestResultSet(self.build.builder.name, "fail_only", "message")
            for test in told:
                self.addTestResult(
                    set_id,
                    f"{test.status}\n{test.message}",
                    test_name=test.name,
                    test_code_path=test.file,
                    line=test.line,
                )

    def getCurrentSummary(self) -> dict[str, str]:
        """Return what the UI shows while it runs."""
        return {"step": self.heard.line or "running"}

    def getResultSummary(self) -> dict[str, str]:
        """Return what the UI shows at the end, on the step and on the build."""
        line = self.descriptionDone or self.heard.line
        if not line:
            return dict(super().getResultSummary())
        return {"step": line, "build": line}


def _exit_code(code: Any, heard: Heard) -> int:
    """Return a script's exit code; one that was killed, or none, counts as failed."""
    if code != 0 and not heard.errors:
        heard.errors.append(_told(code))
    if code in (0, 1, 2, 3):
        return int(code)
    return 3 if code in (126, 127) else 1


def _told(code: Any) -> str:
    if code in (126, 127):
        return "`slipway` is not on the worker's PATH; install Slipway on the worker"
    return f"the stage's script ended with exit code {code} and said no reason; see the log"


class Tests(StageStep):
    """Runs the application's tests."""

    __test__ = False
    uses = "tests"


class Freeze(StageStep):
    """Freezes the application and starts the result."""

    uses = "freeze"


class Databases(StageStep):
    """Builds the seed databases."""

    uses = "databases"


class Features(StageStep):
    """Walks the application's features."""

    uses = "features"


class Archive(StageStep):
    """Packs what the stages before left."""

    uses = "archive"


class Publish(StageStep):
    """Makes the release."""

    uses = "publish"


class Command(StageStep):
    """Runs any program."""

    uses = "command"


class Deploy(StageStep):
    """Brings the run's release to an environment."""

    uses = "deploy"
