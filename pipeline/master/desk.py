"""The desk: where schedulers, pollers and steps get at the ledger and the artefact store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from buildbot.util.service import BuildbotService
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from twisted.internet import threads

from slipway.ledger import runs
from slipway.ledger.keeper import keep_log
from slipway.ledger.migrate import upgrade
from slipway.ledger.store import Incoming, Store
from slipway.ledger.tables import Artefact, Run, StageResult
from slipway.master.memory import give_back
from slipway.model.event import ArtefactLeft
from slipway.model.job import Input, Job, RunFacts, Source, StageRecord
from slipway.model.site import Project
from slipway.steps.desk import SERVICE

T = TypeVar("T")


def find_desk(master: Any) -> Desk:
    """Return a master's desk."""
    desk: Desk = master.service_manager.namedServices[SERVICE]
    return desk


class Desk(BuildbotService):
    """One per master. Work on the ledger is done in Buildbot's own database threads."""

    compare_attrs: ClassVar[tuple[str, ...]] = (
        "projects",
        "repositories",
        "store_folder",
        "state_folder",
    )

    def checkConfig(
        self,
        *,
        projects: dict[str, Project],
        repositories: dict[str, str],
        store_folder: str,
        state_folder: str,
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
    ) -> None:
        """Take up new arguments while the master runs."""
        self.projects, self.repositories = projects, repositories
        self.store_folder, self.state_folder = store_folder, state_folder
        self._store = Store(Path(store_folder))
        await super().reconfigService()

    _upgraded = False
    _log: sqlite3.Connection | None = None

    async def startService(self) -> None:
        """Begin: what an interrupted upload left in the store a day ago is removed."""
        await super().startService()
        self._log = await self.master.db.pool.do_with_engine(keep_log)
        await threads.deferToThread(self._store.sweep)
        give_back()

    async def stopService(self) -> None:
        """Let go of the database."""
        await super().stopService()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def call(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Do work on the ledger in one transaction.

        Args:
            work: Gets a session, then the arguments; what it returns must not be a live row.
            *args: Passed on to it.
            **kwargs: Passed on to it.
        """
        pool = self.master.db.pool
        if not self._upgraded:
            await pool.do_with_engine(upgrade)
            self._upgraded = True

        def in_thread(connection: Connection) -> T:
            with Session(bind=connection) as session:
                result = work(session, *args, **kwargs)
                session.commit()
                return result

        result: T = await pool.do_with_transaction(in_thread)
        return result

    async def claim(self, stage_id: int, build_id: int, worker: str) -> Job | None:
        """Give a build its job, and write down that it has begun.

        Returns:
            The job, its inputs' paths relative to the stage's folder; None where this attempt has
            ended already (its request was taken up again after a crash).
        """
        return await self.call(self._claim, stage_id, build_id, worker)

    def _claim(self, session: Session, stage_id: int, build_id: int, worker: str) -> Job | None:
        result = session.get(StageResult, stage_id)
        if result is None or result.state not in runs.OPEN_STAGE:
            return None
        run = result.run
        stage = self.projects[run.project].stages[result.name]
        runs.begin(result, build_id, worker, time.time())
        return Job(
            project=run.project,
            name=result.name,
            stage=stage,
            run=RunFacts(
                number=run.number,
                revision=run.revision,
                branch=run.branch,
                committed_at=run.committed_at,
                version=run.version,
                subject=run.subject,
                author=run.author,
            ),
            source=self._source(run) if stage.needs_source else None,
            inputs=tuple(_input(artefact) for artefact in runs.inputs(run, stage)),
            records=_records(run) if stage.uses == "publish" else (),
            output="../output",
            cache="../../cache",
            state=self.state_folder,
            worker=worker,
        )

    def _source(self, run: Run) -> Source:
        return Source(repository=self.repositories[run.project], revision=run.revision)

    def path(self, sha256: str) -> Path:
        """Return where the store keeps an artefact."""
        return self._store.path(sha256)

    def incoming(self) -> Incoming:
        """Return a writer for an artefact that a worker uploads."""
        return self._store.open_incoming()

    async def left(self, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
        """Write down the artefacts a stage left; their bytes are in the store."""
        await self.call(_left, stage_id, artefacts)

    async def said(
        self, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
    ) -> None:
        """Write down what a stage said of itself when its script ended.

        A stage whose script passed and whose artefacts are kept has passed: what waits for it
        starts while Buildbot still closes the build.
        """
        project = await self.call(_said, stage_id, exit_code, summary, facts)
        if exit_code == 0:
            self.master.scheduler_manager.namedServices[project].stage_passed(stage_id)


def _input(artefact: Artefact) -> Input:
    return Input(
        stage=artefact.stage.name,
        uses=artefact.stage.uses,
        name=artefact.name,
        path=f"../input/{artefact.stage.name}/{artefact.name}",
        sha256=artefact.sha256,
        size=artefact.size,
        media_type=artefact.media_type,
    )


def _records(run: Run) -> tuple[StageRecord, ...]:
    return tuple(
        StageRecord(
            stage=result.name,
            uses=result.uses,
            state=result.state,
            summary=result.summary,
            facts=result.facts,
            worker=result.worker,
            seconds=round((result.finished_at or 0) - (result.started_at or 0), 3),
        )
        for result in runs.newest(run).values()
        if result.finished_at
    )


def _left(session: Session, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
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


def _said(
    session: Session, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
) -> str:
    result = session.get_one(StageResult, stage_id)
    result.exit_code, result.summary, result.facts = exit_code, summary, facts
    if result.uses == "publish" and exit_code == 0:
        runs.keep_release(session, result.run, facts, time.time())
    return result.run.project
