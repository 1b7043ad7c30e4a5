"""The desk: where schedulers, pollers and steps get at the ledger and the artefact store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from buildbot.util.service import BuildbotService
from sqlalchemy import Connection, column, select, table
from sqlalchemy.orm import Session
from twisted.internet import defer, threads
from twisted.python import log
from twisted.python.failure import Failure

from slipway.artefacts.store import Incoming, Store
from slipway.git import end_all
from slipway.ledger import buildbot_index, deployments, run_state, runs
from slipway.ledger.audit.chain import hold
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Artefact, StageResult
from slipway.ledger.transitions import IllegalRow, note_illegal
from slipway.master.change_notifications import News, collect, tell, watch_gates
from slipway.master.database import Database
from slipway.master.gates.external_choices import Choices
from slipway.master.job_builder import Place, claim
from slipway.master.malloc_tuning import give_back
from slipway.master.pruning import Pruning
from slipway.master.secret_readers import SecretReaders
from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.event import ArtefactLeft, TestResult
from slipway.model.protocol.job import Job
from slipway.model.site import Project
from slipway.model.stage import STAGES, Stage
from slipway.model.states import OPEN_STAGE, StageState
from slipway.model.tenant import tenant_of
from slipway.steps.ledger_api import SERVICE

if TYPE_CHECKING:
    from slipway.master.gates.service import Gatekeeper

P = ParamSpec("P")
T = TypeVar("T")
_COMPARED = ("projects", "repositories", "store_folder", "state_folder", "folder")
#: So often a worker may be lost during one attempt, which Buildbot would try for ever.
_MOST_LOSSES = 4
_LOST = f"the worker was lost {_MOST_LOSSES} times while this stage ran, which may have ended it; "
_LOST += "see the worker's log, then run the stage again"


def find_desk(master: Any) -> Desk:
    """Return a master's desk."""
    desk: Desk = master.service_manager.namedServices[SERVICE]
    return desk


@dataclass(frozen=True)
class _Done(Generic[T]):
    """What a transaction has made, and whom it is news for."""

    result: T
    news: News
    gated: set[str]


class Desk(BuildbotService):
    """One per master. The ledger is changed in Buildbot's own database threads."""

    compare_attrs: ClassVar[tuple[str, ...]] = _COMPARED

    def checkConfig(
        self,
        *,
        projects: dict[str, Project],
        repositories: dict[str, str],
        store_folder: str,
        state_folder: str,
        folder: str,
        mirrors: dict[str, str],
        local: list[str],
    ) -> None:
        """Check the arguments; pipeline.toml's own check has been there before."""
        super().checkConfig()

    async def reconfigService(
        self,
        *,
        projects: dict[str, Project],
        repositories: dict[str, str],
        store_folder: str,
        state_folder: str,
        folder: str,
        mirrors: dict[str, str],
        local: list[str],
    ) -> None:
        """Take up new arguments while the master runs."""
        self.projects, self.repositories = projects, repositories
        self.store_folder, self.state_folder = store_folder, state_folder
        self.folder = folder
        self._mirrors, self._local = mirrors, frozenset(local)
        self._store = Store(Path(store_folder))
        await super().reconfigService()

    _upgrading: defer.DeferredLock | None = None
    _upgraded = False
    _database: Database | None = None
    pruning: Pruning
    _secret_readers: SecretReaders
    _losses: Counter[int]
    """How often the worker was lost during each attempt; nobody but a new master forgets it."""
    choices: Choices
    """What programs offer at gates, of the whole site."""

    async def startService(self) -> None:
        """Begin: what an interrupted upload left in the store a day ago is removed."""
        await super().startService()
        self._losses = Counter()
        self.choices = Choices(self.master.reactor)
        self.pruning, self._secret_readers = Pruning(self), SecretReaders(self.master.reactor)
        self._database = Database(self.master)
        await self._database.open()
        await threads.deferToThread(self._store.sweep)
        self.pruning.begin()
        give_back()

    async def stopService(self) -> None:
        """Let go of the database."""
        await super().stopService()
        self.choices.stop()
        # A repository that does not answer would keep its poll, and with it the master, for long.
        end_all()
        self._secret_readers.stop()
        self.pruning.stop()
        if self._database is not None:
            await self._database.close()

    async def call(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Change the ledger in one transaction; it happens by itself.

        What may write waits for its turn before it reads: two stages that end in the same moment
        would each see the other still at work, and nobody would start what waits for both.

        Args:
            work: Gets a session, then the arguments; what it returns must not be a live row.
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
        """Change the ledger as `call` does; the audit trail knows who asked for it."""
        return await self._do(lambda session: work(session, *args, **kwargs), actor=actor)

    async def read(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read from the ledger; it writes nothing, and waits for nothing that is being written."""
        return await self._do(lambda session: work(session, *args, **kwargs), reading=True)

    async def _do(
        self, work: Callable[[Session], T], *, actor: str = "", reading: bool = False
    ) -> T:
        if not self._upgraded:
            # Where the database has several connections, several callers come here at once.
            self._upgrading = self._upgrading or defer.DeferredLock()
            await self._upgrading.run(lambda: defer.Deferred.fromCoroutine(self._upgrade()))

        def in_thread(connection: Connection) -> _Done[T] | SlipwayError:
            with LedgerSession(connection, actor=actor) as session:
                news, gated = collect(session), watch_gates(session)
                if not reading:
                    hold(session)
                try:
                    result = work(session)
                except SlipwayError as error:
                    # Buildbot would log it with its traceback: it is a sentence for a person.
                    session.rollback()
                    return error
                session.commit()
                return _Done(result, news, gated)

        pool = self.reading_pool if reading else self.master.db.pool
        done: _Done[T] | SlipwayError = await pool.do_with_transaction(in_thread)
        if isinstance(done, IllegalRow):
            # What was tried is rolled back: it is written down in a transaction of its own.
            log.err(Failure(done), "while working on the ledger")
            await self.call(note_illegal, done)
        if isinstance(done, SlipwayError):
            raise done
        tell(self.master, done.news)
        for project in done.gated & set(self.projects):
            self.gatekeeper(project).gates_changed()
        return done.result

    @property
    def reading_pool(self) -> Any:
        """Buildbot's pool for what only reads: it waits for nothing that is being written."""
        return self._database.readers if self._database else self.master.db.pool

    async def _upgrade(self) -> None:
        if not self._upgraded:
            await self.master.db.pool.do_with_engine(upgrade)
            self._upgraded = True

    async def claim(self, stage_id: int, build_id: int, worker: str) -> Job | None:
        """Give a build its job, and write down that it has begun.

        Returns:
            The job, its inputs' paths relative to the stage's folder; None where this attempt has
            ended already (its request was taken up again after a crash).
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

    def lost(self, stage_id: int) -> None:
        """Count that the worker was lost while an attempt ran: it may be the stage that ends it."""
        self._losses[stage_id] += 1

    async def read_secrets(self, job: Job) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read the secrets of a stage, beside the reactor: programs may tell them.

        Returns:
            Them, by the name of the environment variable, and sentences about those that this run
            does not get.

        Raises:
            MissingTool: Some cannot be read; of each why.
            ConnectionLost: The master is stopping.
        """
        stage = self.projects[job.project].stages[job.name]
        if not stage.secrets:
            return {}, ()
        key = f"project.{job.project}.stages.{job.name}.secrets"
        mirror = self.master.scheduler_manager.namedServices[job.project].mirror()
        is_on_it = partial(mirror.holds, job.run.branch, job.run.revision)
        folder = Path(self.folder)
        return await self._secret_readers.read(stage.secrets, job.run.branch, folder, key, is_on_it)

    def tenant(self, job: Job, secrets: Collection[str]) -> str:
        """Return whose a stage is, by the names of the secrets that its run gets."""
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
            secrets=self.gatekeeper(name).secrets_of,
        )

    def path(self, sha256: str) -> Path:
        """Return where the store keeps an artefact."""
        return self._store.path(sha256)

    def check_room(self, size: int) -> None:
        """Refuse what one stage would take too much of the store's free room with."""
        self._store.check_room(size)

    def incoming(self) -> Incoming:
        """Return a writer for an artefact that a worker uploads."""
        return self._store.open_incoming()

    async def left(self, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
        """Write down the artefacts a stage left; their bytes are in the store."""
        await self.call(_left, stage_id, artefacts)

    async def tested(self, builder: int, sets: Mapping[str, int], tests: list[TestResult]) -> None:
        """Write down test results, given Buildbot's sets by category."""
        await self.call(buildbot_index.add, builder, dict(sets), tests)

    async def said(
        self, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
    ) -> None:
        """Write down what a stage said of itself when its script ended.

        A stage whose script passed and whose artefacts are kept has passed: what waits for it
        starts while Buildbot still closes the build.
        """
        project = await self.call(self._said, stage_id, exit_code, summary, facts)
        if exit_code == 0:
            self.master.scheduler_manager.namedServices[project].stage_passed(stage_id)

    def _said(
        self,
        session: Session,
        stage_id: int,
        exit_code: int,
        summary: str,
        facts: dict[str, Any],
    ) -> str:
        result = session.get_one(StageResult, stage_id, with_for_update=True)
        run, now = result.run, time.time()
        result.exit_code, result.facts = exit_code, facts
        if result.state in OPEN_STAGE:
            result.summary = summary
            if exit_code == 0:
                # With what it says, or a kill between the two would run it again.
                runs.finish(result, StageState.PASSED, now)
        kind = STAGES.get(result.uses) or Stage
        if kind.makes_release and exit_code == 0:
            stage = self.projects[run.project].stages[result.name]
            contents = run_state.inputs(run, stage)
            runs.keep_release(session, run, facts, contents, now)
        if kind.deploys:
            deployments.said(session, result, exit_code, now)
        return run.project

    def gatekeeper(self, project: str) -> Gatekeeper:
        """Return the gatekeeper of a project."""
        found: Gatekeeper = self.master.scheduler_manager.namedServices[project].gatekeeper
        return found


def _is_its_own(session: Session, result: StageResult, build_id: int) -> bool:
    """Tell whether a build is of the request an attempt was handed on with: no Rebuild is."""
    builds = table("builds", column("id"), column("buildrequestid"))
    request_id = session.scalar(select(builds.c.buildrequestid).where(builds.c.id == build_id))
    return result.request_id in {None, request_id}


def _left(session: Session, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
    for left in artefacts:
        if refusal := name_refusal(left.name):
            raise WrongInput(refusal)
    result = session.get_one(StageResult, stage_id)
    names = {left.name for left in artefacts}
    for before in [one for one in result.artefacts if one.name in names]:
        # Left by a worker that died: the same attempt, begun anew.
        result.artefacts.remove(before)
    session.flush()
    for left in artefacts:
        result.artefacts.append(
            Artefact(
                name=left.name,
                sha256=left.sha256,
                size=left.size,
                media_type=left.media_type,
                role=left.role,
            )
        )
