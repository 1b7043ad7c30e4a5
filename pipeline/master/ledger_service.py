"""Ledger service: access to the ledger and the artefact store for Buildbot's components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from buildbot.util.service import BuildbotService
from sqlalchemy import Connection, column, select, table
from sqlalchemy.orm import Session
from twisted.internet import defer, threads
from twisted.python import log
from twisted.python.failure import Failure

from slipway.artefacts.store import Incoming, Store
from slipway.git import end_all
from slipway.git_mirror import Mirror
from slipway.ledger import buildbot_index
from slipway.ledger.audit.chain import lock_for_write
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.outbox.collecting import collect
from slipway.ledger.tables.runs import StageResult
from slipway.ledger.transitions import IllegalRow, note_illegal
from slipway.master.change_notifications import (
    ChangedRuns,
    collect_changed_runs,
    notify_pages,
    watch_gates,
)
from slipway.master.database import Database
from slipway.master.gates.external_choices import Choices
from slipway.master.gates.given_secrets import GivenSecrets
from slipway.master.job_builder import Place, claim
from slipway.master.malloc_tuning import trim_heap
from slipway.master.pipelines import Pipeline
from slipway.master.pruning import Pruning
from slipway.master.publishing.service import Publishing
from slipway.master.secret_readers import SecretReaders, check_kept_apart
from slipway.master.stage_outcome import record_artefacts, record_result
from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.notices.events import Event
from slipway.model.protocol.event import ArtefactLeft, TestResult
from slipway.model.protocol.job import Job
from slipway.model.site import Project, SiteSettings
from slipway.model.states import OPEN_STAGE
from slipway.model.tenant import tenant_of
from slipway.state_folder import Home
from slipway.steps.ledger_api import SERVICE

__all__ = ["LedgerService", "find_ledger"]

P = ParamSpec("P")
T = TypeVar("T")
_COMPARED = ("settings", "projects", "repositories", "state_folder", "folder")
#: Maximum number of worker losses per attempt; Buildbot itself would retry for ever.
_MOST_LOSSES = 4
_LOST = f"the worker was lost {_MOST_LOSSES} times while this stage ran, which may have ended it; "
_LOST += "see the worker's log, then run the stage again"


def find_ledger(master: Any) -> LedgerService:
    """Return a master's ledger service."""
    ledger: LedgerService = master.service_manager.namedServices[SERVICE]
    return ledger


@dataclass(frozen=True)
class _Done(Generic[T]):
    """The result of a transaction, with the changes to notify about."""

    result: T
    changed: ChangedRuns
    gated: set[str]
    notices: int


class LedgerService(BuildbotService):
    """The ledger service, one per master. Transactions run in Buildbot's database threads."""

    compare_attrs: ClassVar[tuple[str, ...]] = _COMPARED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.given_secrets = GivenSecrets()
        self._pipelines: dict[str, Pipeline] = {}
        super().__init__(*args, **kwargs)

    def checkConfig(
        self,
        *,
        settings: SiteSettings,
        projects: dict[str, Project],
        repositories: dict[str, str],
        state_folder: str,
        folder: str,
        mirrors: dict[str, str],
        local: list[str],
        told: list[Event],
    ) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig()

    async def reconfigService(
        self,
        *,
        settings: SiteSettings,
        projects: dict[str, Project],
        repositories: dict[str, str],
        state_folder: str,
        folder: str,
        mirrors: dict[str, str],
        local: list[str],
        told: list[Event],
    ) -> None:
        """Apply new arguments while the master runs."""
        self.settings = settings
        self.projects, self.repositories = projects, repositories
        self.state_folder, self.folder = state_folder, folder
        self.store_folder = str(Home(Path(state_folder)).store)
        self._mirrors, self._local = mirrors, frozenset(local)
        # The events that are written to the outbox, each with what it tells of.
        self._told = frozenset(told)
        self._store = Store(Path(self.store_folder))
        await super().reconfigService()

    _told: frozenset[Event] = frozenset()
    _wake_outbox: Callable[[], None] | None = None
    _upgrading: defer.DeferredLock | None = None
    _upgraded = False
    _database: Database | None = None
    pruning: Pruning
    _secret_readers: SecretReaders
    _losses: Counter[int]
    """Number of worker losses by attempt; reset only by a restart of the master."""
    releases: Publishing
    """Makes the releases of publish stages."""
    choices: Choices
    """The choices printed by programs, for all gates of the site."""

    async def startService(self) -> None:
        """Open the database; delete uploads that were interrupted more than a day ago."""
        await super().startService()
        self._losses = Counter()
        self.choices = Choices(self.master.reactor)
        self.pruning, self._secret_readers = Pruning(self), SecretReaders(self.master.reactor)
        self.releases = Publishing(self)
        self._database = Database(self.master)
        await self._database.open()
        await threads.deferToThread(self._store.sweep)
        self.pruning.begin()
        trim_heap()

    async def stopService(self) -> None:
        """Stop the background work and close the database."""
        await super().stopService()
        self.choices.stop()
        # Kill git: a repository that does not answer would block its poll, and the master's stop.
        end_all()
        self._secret_readers.stop()
        self.pruning.stop()
        if self._database is not None:
            await self._database.close()

    async def call(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Change the ledger in one transaction; the actor is the machine.

        A writing transaction takes its lock before it reads: otherwise two stages that end at the
        same time would each see the other still running, and none would start the stage that
        needs both.

        Args:
            work: Called with a session, then the arguments; must not return a live row.
            *args: Passed on to it.
            **kwargs: Passed on to it.
        """
        return await self._do(lambda session: work(session, *args, **kwargs))

    async def change(
        self,
        actor: str,
        work: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Change the ledger as `call` does, with a person as the actor in the audit trail."""
        return await self._do(lambda session: work(session, *args, **kwargs), actor=actor)

    async def read(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read from the ledger; does not wait for writers."""
        return await self._do(lambda session: work(session, *args, **kwargs), reading=True)

    async def _do(
        self, work: Callable[[Session], T], *, actor: str = "", reading: bool = False
    ) -> T:
        if not self._upgraded:
            # With several database connections, several callers may get here at once.
            self._upgrading = self._upgrading or defer.DeferredLock()
            await self._upgrading.run(lambda: defer.Deferred.fromCoroutine(self._upgrade()))

        def in_thread(connection: Connection) -> _Done[T] | SlipwayError:
            with LedgerSession(connection, actor=actor) as session:
                changed, gated = collect_changed_runs(session), watch_gates(session)
                noticed = collect(session, () if reading else self._told)
                if not reading:
                    lock_for_write(session)
                try:
                    result = work(session)
                except SlipwayError as error:
                    # Return it: Buildbot would log a raised exception with its traceback.
                    session.rollback()
                    return error
                session.commit()
                return _Done(result, changed, gated, noticed.count)

        pool = self.reading_pool if reading else self.master.db.pool
        done: _Done[T] | SlipwayError = await pool.do_with_transaction(in_thread)
        if isinstance(done, IllegalRow):
            # The attempt was rolled back: record it in another transaction.
            log.err(Failure(done), "while working on the ledger")
            await self.call(note_illegal, done)
        if isinstance(done, SlipwayError):
            raise done
        notify_pages(self.master, done.changed)
        if done.notices:
            self.wake_outbox()
        for project in done.gated & self._pipelines.keys():
            self._pipelines[project].gates_changed()
        return done.result

    @property
    def reading_pool(self) -> Any:
        """Buildbot's pool for reading; it does not wait for writers."""
        return self._database.readers if self._database else self.master.db.pool

    async def _upgrade(self) -> None:
        if not self._upgraded:
            await self.master.db.pool.do_with_engine(upgrade)
            self._upgraded = True

    async def claim(self, stage_id: int, build_id: int, worker: str) -> Job | None:
        """Create a build's job, and record that the attempt has begun.

        Returns:
            The job, with its inputs' paths relative to the stage's folder; None if the attempt has
            ended already (its request was retried after a crash).
        """
        return await self.call(self._claim, stage_id, build_id, worker)

    def _claim(self, session: Session, stage_id: int, build_id: int, worker: str) -> Job | None:
        result = session.get(StageResult, stage_id)
        if result is None or result.state not in OPEN_STAGE:
            return None
        # Its script has ended; the master died before it could close the stage.
        if result.exit_code is not None:
            return None
        if not _is_its_own(session, result, build_id):
            return None
        if self._losses[stage_id] >= _MOST_LOSSES:
            raise StageFailed(_LOST)
        name = result.run.project
        return claim(session, result, self._site_of(name), build_id, worker)

    def record_worker_loss(self, stage_id: int) -> None:
        """Count a worker loss during an attempt; the stage itself may have caused it."""
        self._losses[stage_id] += 1
        count = f"{self._losses[stage_id]} of at most {_MOST_LOSSES} times"
        log.msg(f"a worker was lost amid a stage; it is begun anew (attempt {stage_id}, {count})")

    async def read_secrets(self, job: Job) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read the secrets of a stage in a thread, since programs may provide them.

        Returns:
            The secrets by environment variable, and sentences about those withheld from this run.

        Raises:
            MissingTool: Some cannot be read; the message gives each reason.
            ConnectionLost: The master is stopping.
        """
        stage = self.projects[job.project].stages[job.name]
        if not stage.secrets:
            return {}, ()
        if stage.keeps_keys:
            check_kept_apart(job.worker)
        key = f"project.{job.project}.stages.{job.name}.secrets"
        mirror = self.mirror(job.project)
        is_on_it = partial(mirror.holds, job.run.branch, job.run.revision)
        folder = Path(self.folder)
        return await self._secret_readers.read(stage.secrets, job.run.branch, folder, key, is_on_it)

    def tenant(self, job: Job, secrets: Collection[str]) -> str:
        """Return the tenant that a stage runs as, given the names of its run's secrets."""
        project = self.projects[job.project]
        return tenant_of(job.project, project, project.stages[job.name], secrets)

    def _site_of(self, name: str) -> Place:
        return Place(
            project=self.projects[name],
            repository=self.repositories[name],
            mirror=self._mirrors[name],
            local=self._local,
            store=self._store,
            state_folder=self.state_folder,
            secrets=self.given_secrets.read,
        )

    def path(self, sha256: str) -> Path:
        """Return an artefact's path in the store."""
        return self._store.path(sha256)

    def check_room(self, size: int) -> None:
        """Raise if an artefact would take too much of the store's free space."""
        self._store.check_room(size)

    def incoming(self) -> Incoming:
        """Return a writer for an artefact that a worker uploads."""
        return self._store.open_incoming()

    async def record_artefacts(self, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
        """Record the artefacts of a stage; their bytes are in the store already."""
        await self.call(record_artefacts, stage_id, artefacts)

    async def record_tests(
        self, builder: int, sets: Mapping[str, int], tests: list[TestResult]
    ) -> None:
        """Record test results, given Buildbot's result sets by category."""
        await self.call(buildbot_index.add, builder, dict(sets), tests)

    async def record_result(
        self, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
    ) -> None:
        """Record the result that a stage's script reported.

        A stage whose script passed has passed: its dependents start while Buildbot still closes the
        build.
        """
        project = await self.call(record_result, stage_id, exit_code, summary, facts)
        if exit_code == 0 and project in self._pipelines:
            self._pipelines[project].stage_passed(stage_id)

    def mirror(self, project: str) -> Mirror:
        """Return the mirror of a project's repository."""
        place = f"project.{project}.repository"
        return Mirror(Path(self._mirrors[project]), self.repositories[project], place)

    # ---- notices

    def watch_outbox(self, wake: Callable[[], None] | None) -> None:
        """Call a function after each transaction that added to the outbox; None ends it."""
        self._wake_outbox = wake

    def wake_outbox(self) -> None:
        """Have the outbox looked at: something was added to it by hand."""
        if self._wake_outbox is not None:
            self._wake_outbox()

    # ---- pipelines

    def subscribe(self, project: str, pipeline: Pipeline) -> None:
        """Report a project's passed stages and changed gates to its pipeline from now on."""
        self._pipelines[project] = pipeline

    def unsubscribe(self, project: str, pipeline: Pipeline) -> None:
        """Stop reporting to a pipeline."""
        if self._pipelines.get(project) is pipeline:
            del self._pipelines[project]


def _is_its_own(session: Session, result: StageResult, build_id: int) -> bool:
    """Return whether a build belongs to an attempt's own request; Buildbot's Rebuild does not."""
    builds = table("builds", column("id"), column("buildrequestid"))
    request_id = session.scalar(select(builds.c.buildrequestid).where(builds.c.id == build_id))
    return result.request_id in {None, request_id}
