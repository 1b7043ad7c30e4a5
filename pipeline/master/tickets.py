"""Stages on their way to Buildbot: what the ledger makes of runs that start, stages that end.

Each method works in the transaction it is given, and returns tickets for what is to be handed on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from buildbot.process.results import CANCELLED, SUCCESS, WARNINGS
from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import runs
from slipway.ledger.runs import Cause, Commit
from slipway.ledger.tables import Run, StageResult
from slipway.model.stage import Stage

#: The exit code of a stage whose script never began: something is missing on the machine.
_NEVER_BEGAN = 3


@dataclass(frozen=True)
class Ticket:
    """A queued stage on its way to Buildbot."""

    stage_id: int
    name: str
    run_number: int
    version: str
    branch: str
    revision: str
    owner: str
    reason: str


class Tickets:
    """The ledger's side of one project's scheduler."""

    def __init__(self, project: str, stages: Mapping[str, Stage]) -> None:
        self.project = project
        self.stages = stages

    def start_and_queue(
        self, session: Session, commit: Commit, cause: Cause, now: float
    ) -> list[Ticket] | None:
        """Write down a run and queue its first stages; None where the poll's run exists."""
        run = runs.start_run(session, self.project, commit, cause, now)
        return None if run is None else self.queue_ready(session, run.id)

    def rerun(
        self, session: Session, run_number: int, name: str, owner: str, reason: str
    ) -> list[Ticket]:
        """Queue a stage of a run once more, or open its gate.

        Raises:
            ValueError: No such run, needs that have not passed, or the stage is at work.
        """
        query = select(Run).where(Run.project == self.project).order_by(Run.number.desc()).limit(1)
        if run_number:
            query = query.where(Run.number == run_number)
        run = session.scalar(query)
        if run is None:
            told = f"has no run {run_number}" if run_number else "has had no run yet"
            raise ValueError(f"{self.project} {told}")
        last = runs.newest(run).get(name)
        if last is not None and last.state in runs.OPEN_STAGE:
            raise ValueError(f"{name} of run {run.number} is {last.state} already")
        unmet = runs.unmet(run, self.stages[name])
        if unmet:
            raise ValueError(f"{name} of run {run.number} waits for {', '.join(unmet)}")
        result = runs.queue(session, run, name, self.stages[name], time.time(), owner)
        return [_ticket(run, result, reason)]

    def queue_ready(self, session: Session, run_id: int) -> list[Ticket]:
        """Queue every stage of a run that has become ready."""
        run = session.get_one(Run, run_id)
        now = time.time()
        results = [
            runs.queue(session, run, name, self.stages[name], now)
            for name in runs.ready(run, self.stages)
        ]
        runs.settle(run, self.stages, now)
        return [_ticket(run, result, run.reason) for result in results if result.state == "queued"]

    def pass_and_queue(self, session: Session, stage_id: int, now: float) -> list[Ticket]:
        """Write down that a stage passed, and queue what waited for it."""
        result = session.get_one(StageResult, stage_id)
        if result.state not in runs.OPEN_STAGE:
            return []
        runs.finish(result, "passed", now)
        return self.queue_ready(session, result.run_id)

    def finish_and_queue(
        self, session: Session, request_id: int, results: int, now: float
    ) -> list[Ticket]:
        """Write down how a stage ended, and queue what waited for it."""
        run_id = self.finish(session, request_id, results, now)
        return [] if run_id is None else self.queue_ready(session, run_id)

    def finish(self, session: Session, request_id: int, results: int, now: float) -> int | None:
        """Write down how a stage ended; return its run, or None where that is known already."""
        result = session.scalar(
            select(StageResult)
            .join(Run)
            .where(StageResult.request_id == request_id, Run.project == self.project)
        )
        if result is None or result.state not in runs.OPEN_STAGE:
            return None
        passed = results in {SUCCESS, WARNINGS} and result.exit_code == 0
        if passed:
            runs.finish(result, "passed", now)
        elif results == CANCELLED:
            runs.finish(result, "cancelled", now)
        else:
            runs.finish(result, "failed", now, result.exit_code or _NEVER_BEGAN)
            result.summary = result.summary or "ended before its script began; see the build's log"
        return result.run_id

    def requeue(self, session: Session, stage_id: int, *, new_attempt: bool) -> list[Ticket]:
        """Queue a stage again that was open when the master ended, if there still is one."""
        result = session.get_one(StageResult, stage_id)
        run = result.run
        if result.name not in self.stages:
            runs.finish(result, "cancelled", time.time())
            result.summary = "the stage is no longer in pipeline.toml"
            return []
        if new_attempt:
            runs.finish(result, "cancelled", time.time())
            result.summary = "interrupted: the master stopped; it was tried again"
            owner = result.owner or "slipway"
            stage = self.stages[result.name]
            result = runs.queue(session, run, result.name, stage, time.time(), owner)
        return [_ticket(run, result, run.reason)]


def _ticket(run: Run, result: StageResult, reason: str) -> Ticket:
    return Ticket(
        stage_id=result.id,
        name=result.name,
        run_number=run.number,
        version=run.version,
        branch=run.branch,
        revision=run.revision,
        owner=result.owner or run.owner,
        reason=reason,
    )


def mark(stage_id: int) -> str:
    """Return what marks a stage's buildset in Buildbot's tables."""
    return f"slipway-stage-{stage_id}"


def bind(session: Session, stage_id: int, set_id: int, request_id: int) -> None:
    """Write down which of Buildbot's requests a stage is."""
    result = session.get_one(StageResult, stage_id)
    result.buildset_id, result.request_id = set_id, request_id


def open_stages(session: Session, project: str) -> list[tuple[int, int | None]]:
    """Return the open stages of a project with their requests, where they have one."""
    query = (
        select(StageResult.id, StageResult.request_id)
        .join(Run)
        .where(Run.project == project, StageResult.state.in_(runs.OPEN_STAGE))
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def open_runs(session: Session, project: str) -> list[int]:
    """Return the runs of a project that have not ended."""
    query = select(Run.id).where(Run.project == project, Run.state.in_(runs.OPEN_RUN))
    return list(session.scalars(query))
