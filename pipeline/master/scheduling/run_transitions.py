"""Transitions of runs and stages in the ledger, and the orders for Buildbot that follow.

Each method works in the given transaction, and returns the requests to create and to cancel.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from buildbot.process.results import CANCELLED, FAILURE, SUCCESS, WARNINGS
from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import deployments, gates, publications, run_state, runs
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.master.job_builder import NOT_TWICE, may_repeat
from slipway.master.scheduling.dispatch import Orders, order_of
from slipway.master.scheduling.reruns import to_try
from slipway.model import run_state as rules
from slipway.model.cell import cells
from slipway.model.commit import Cause, Commit
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project
from slipway.model.states import OPEN_RUN, OPEN_STAGE, GateState, StageState

__all__ = ["RunTransitions"]

#: Exit code of a stage whose script never began: something is missing on the machine.
_NEVER_BEGAN = MissingTool.exit_code
_BROKEN = "what comes after it is a defect of Slipway; see the audit trail, then run it again"


class RunTransitions:
    """The ledger part of one project's scheduler."""

    def __init__(self, name: str, project: Project) -> None:
        self.name = name
        self.project = project
        self.stages = project.stages

    # ---- runs

    def start_and_queue(
        self,
        session: Session,
        commit: Commit,
        cause: Cause,
        now: float,
        skips: Mapping[str, Any] | None = None,
    ) -> Orders | None:
        """Create a run and queue its first stages; None if the poll's run exists already."""
        run = runs.start_run(session, self.name, commit, cause, now, skips)
        if run is None:
            return None
        orders = Orders(run.number)
        if self.project.supersede:
            for older in runs.older_open(session, run):
                self._supersede(session, older, run, orders, now)
        self._queue_ready(session, run, orders, now)
        return orders

    def _supersede(
        self, session: Session, older: Run, newer: Run, orders: Orders, now: float
    ) -> None:
        older.superseded_by = newer.number
        why = f"superseded by run {newer.number}"
        # Rollbacks to the older run do not belong to its own pipeline.
        own = [one for one in older.stages if not one.rollback]
        waiting = [one for one in own if one.state == StageState.QUEUED]
        self._cancel(session, waiting, orders, why, now)
        runs.settle(older, self.stages, now)

    def queue_ready(self, session: Session, run_id: int) -> Orders:
        """Queue every stage of a run that has become ready."""
        run = session.get_one(Run, run_id)
        orders = Orders(run.number)
        self._queue_ready(session, run, orders, time.time())
        return orders

    def cancel_run(self, session: Session, run_number: int, owner: str, reason: str) -> Orders:
        """Cancel a run: its queued stages never start, running ones are stopped, its gates close.

        Raises:
            WrongInput: There is no such run, or it has ended.
        """
        run = self.find_run(session, run_number)
        if run.state not in OPEN_RUN:
            msg = f"run {run.number} of {self.name} is {run.state} already"
            raise WrongInput(msg)
        now, orders = time.time(), Orders(run.number)
        why = f"cancelled by {owner}" + (f": {reason}" if reason else "")
        for gate in gates.undecided(session, self.name, run.id):
            if not gates.brings_back(session, gate):
                gates.close(
                    session, gate, self.stages.get(gate.stage), GateState.CANCELLED, why, now
                )
        have = run_state.counting(run).values()
        at_work = [one for one in have if one.state in OPEN_STAGE]
        self._cancel(session, at_work, orders, why, now)
        runs.settle(run, self.stages, now)
        return orders

    def find_run(self, session: Session, number: int) -> Run:
        """Return a run by its number; 0 means the newest.

        Raises:
            WrongInput: There is no such run.
        """
        query = select(Run).where(Run.project == self.name).order_by(Run.number.desc()).limit(1)
        if number:
            query = query.where(Run.number == number)
        run = session.scalar(query)
        if run is None:
            problem = f"has no run {number}" if number else "has had no run yet"
            msg = f"{self.name} {problem}"
            raise WrongInput(msg)
        return run

    def commit_of(self, session: Session, run_number: int) -> Commit:
        """Return the commit of a run, to start another run of it.

        Raises:
            WrongInput: There is no such run.
        """
        run = self.find_run(session, run_number)
        return Commit(
            branch=run.branch,
            revision=run.revision,
            base_version=run.version.rpartition("+")[0],
            committed_at=run.committed_at,
            subject=run.subject,
            author=run.author,
        )

    # ---- stages

    def rerun(
        self,
        session: Session,
        run_number: int,
        name: str,
        owner: str,
        reason: str,
        *,
        cell: str = "",
        from_here: bool = False,
    ) -> Orders:
        """Repeat a stage of a run: its failed cells, or all if none failed.

        A manual stage gets a new gate.

        Args:
            session: The transaction.
            run_number: The run's number; 0 means the newest.
            name: The stage's name.
            owner: The person who asks for it.
            reason: The reason.
            cell: The only cell to repeat.
            from_here: True: repeat its dependents too, after it has passed.

        Raises:
            WrongInput: No such run or stage, needs that have not passed, or it is active.
        """
        run = self.find_run(session, run_number)
        if name not in self.stages:
            msg = f"{self.name} has no stage {name}; it has {', '.join(self.stages)}"
            raise WrongInput(msg)
        last, now = to_try(run, name, cell, self.stages), time.time()
        if from_here:
            try:
                runs.outdate(session, run, name, self.stages, now)
            except ValueError as error:
                raise WrongInput(str(error)) from None
        stage = self.stages[name]
        if last:
            made = [runs.again(session, run, one, stage, now, owner=owner) for one in last]
        else:
            made = runs.first_try(session, run, name, stage, now)
            for one in made:
                one.owner = owner
        runs.reinstate(run)
        runs.reopen(run, f"{name} is run again", now)
        orders = Orders(run.number)
        orders.stages = [
            order_of(run, one, reason) for one in made if one.state == StageState.QUEUED
        ]
        self._queue_ready(session, run, orders, now)
        return orders

    def pass_and_queue(self, session: Session, stage_id: int, now: float) -> Orders:
        """Queue the dependents of a stage that has passed, as is recorded already."""
        result = session.get_one(StageResult, stage_id)
        orders = Orders(result.run.number)
        self._queue_dependents(session, result, orders, now)
        return orders

    def finish_and_queue(
        self, session: Session, request_id: int, results: int, now: float
    ) -> Orders:
        """Record the final state of a stage, and queue its dependents."""
        result = session.scalar(
            select(StageResult)
            .join(Run)
            .where(StageResult.request_id == request_id, Run.project == self.name)
        )
        if result is None:
            return Orders()
        orders = Orders(result.run.number)
        if runs.is_stopping(result):
            result.finished_at = now
            publications.stop(session, result, now)
            return orders
        if result.state not in OPEN_STAGE:
            return orders
        self._finish(session, result, results, orders, now)
        self._queue_dependents(session, result, orders, now)
        return orders

    def _finish(
        self, session: Session, result: StageResult, results: int, orders: Orders, now: float
    ) -> None:
        if results in {SUCCESS, WARNINGS} and result.exit_code == 0:
            runs.finish(result, StageState.PASSED, now)
        elif results == CANCELLED:
            runs.finish(result, StageState.CANCELLED, now)
            publications.stop(session, result, now)
        else:
            runs.finish(result, StageState.FAILED, now, result.exit_code or _NEVER_BEGAN)
            result.summary = result.summary or "ended before its script began; see the build's log"
            publications.stop(session, result, now)
            self._after_failure(session, result, orders, now)

    def _after_failure(
        self, session: Session, result: StageResult, orders: Orders, now: float
    ) -> None:
        """Retry a stage after a machine failure; otherwise apply fail-fast, if configured."""
        stage = self.stages.get(result.name)
        if stage is None:
            return
        blamed = rules.may_be_tried_again(stage, result.exit_code, result.tries)
        if blamed and result.run.superseded_by is None:
            more = runs.again(session, result.run, result, stage, now)
            why = f"tried again by itself, {more.tries} of {stage.machine_retries}"
            orders.stages.append(order_of(result.run, more, why))
        elif self.project.fail_fast and not (stage.allow_failure or result.rollback):
            have = run_state.counting(result.run).values()
            at_work = [one for one in have if one.state in OPEN_STAGE]
            others = [one for one in at_work if not self._cleans_up(one.name)]
            self._cancel(session, others, orders, f"{result.name} failed (fail-fast)", now)

    def _cleans_up(self, name: str) -> bool:
        return name in self.stages and bool(self.stages[name].on_failure)

    def _cancel(
        self,
        session: Session,
        results: Iterable[StageResult],
        orders: Orders,
        why: str,
        now: float,
    ) -> None:
        """Cancel attempts in the ledger now; collect the orders to stop their builds."""
        session.flush()
        for result in results:
            # Lock the row: the stage may be reporting its success at this moment.
            session.refresh(result, with_for_update=True)
            if result.state not in OPEN_STAGE:
                continue
            runs.cancel(result, why, now)
            if result.request_id is not None:
                orders.cancels[result.request_id] = why

    def _queue_dependents(
        self, session: Session, result: StageResult, orders: Orders, now: float
    ) -> None:
        """Continue the run of an attempt; a rollback has no dependents."""
        if not result.rollback:
            self._queue_ready(session, result.run, orders, now)

    def _queue_ready(self, session: Session, run: Run, orders: Orders, now: float) -> None:
        queued = runs.queue_ready(session, run, self.stages, now)
        for gate in gates.undecided(session, self.name, run.id):
            queued += self._queue_approved(session, gate, now)
        if queued:
            runs.settle(run, self.stages, now)
        orders.stages += [order_of(run, one, run.reason) for one in queued]

    def break_off(
        self,
        session: Session,
        now: float,
        *,
        stage_id: int | None = None,
        request_id: int | None = None,
    ) -> Orders:
        """Fail a run that an illegal transition blocks; otherwise it would stay open for ever.

        Its other active stages continue to their end.

        Args:
            session: The transaction.
            now: Seconds since 1970.
            stage_id: The attempt whose end could not be processed; or instead
            request_id: its build request.
        """
        its = (
            StageResult.request_id == request_id if stage_id is None else StageResult.id == stage_id
        )
        result = session.scalar(select(StageResult).join(Run).where(its, Run.project == self.name))
        if result is None:
            return Orders()
        if result.state in OPEN_STAGE:
            runs.finish(result, StageState.FAILED, now, result.exit_code or _NEVER_BEGAN)
            result.summary = result.summary or _BROKEN
            publications.stop(session, result, now)
        if not result.rollback:
            runs.break_off(result.run, now)
        return Orders(result.run.number)

    # ---- gates

    def queue_approved(self, session: Session, gate_id: int) -> Orders:
        """Queue the stage behind a gate if nothing blocks it any more."""
        gate = session.get_one(Gate, gate_id)
        orders, now = Orders(gate.run.number), time.time()
        queued = self._queue_approved(session, gate, now)
        orders.stages = [order_of(gate.run, one, gate.comment) for one in queued]
        if not gates.brings_back(session, gate):
            self._queue_ready(session, gate.run, orders, now)
        return orders

    def _queue_approved(self, session: Session, gate: Gate, now: float) -> list[StageResult]:
        stage = self.stages.get(gate.stage)
        # A need may have been repeated since the stage became ready.
        if stage is None or run_state.unmet(gate.run, stage, self.stages):
            return []
        result = gates.queue_approved(session, gate, stage, now)
        if result is None:
            return []
        if not result.rollback:
            runs.reinstate(gate.run)
        return [result]

    # ---- after a restart

    def requeue(
        self, session: Session, stage_id: int, request_id: int | None, *, new_attempt: bool
    ) -> Orders:
        """Queue a stage again that was open when the master ended, if it still exists.

        Args:
            session: The transaction.
            stage_id: The attempt.
            request_id: Its build request when this was decided; no-op if it has another by now,
                since it was dispatched in between.
            new_attempt: True: the attempt was interrupted. False: it was never dispatched.
        """
        result = session.get_one(StageResult, stage_id)
        run, orders, now = result.run, Orders(result.run.number), time.time()
        if result.state not in OPEN_STAGE or result.request_id != request_id:
            return orders
        stage = self.stages.get(result.name)
        if stage is None or result.cell not in {cell.name for cell in cells(stage)}:
            runs.finish(result, StageState.CANCELLED, now)
            result.summary = "the stage is no longer in pipeline.toml"
            publications.stop(session, result, now)
            return orders
        if new_attempt and result.exit_code is not None:
            # Its script had ended; only the build was still to be closed.
            self._finish(session, result, FAILURE, orders, now)
            self._queue_dependents(session, result, orders, now)
            return orders
        if new_attempt and not self._may_repeat(session, result, stage):
            runs.finish(result, StageState.FAILED, now, WrongInput.exit_code)
            result.summary = NOT_TWICE.format(what="the master was stopped")
            publications.stop(session, result, now)
            self._queue_dependents(session, result, orders, now)
            return orders
        if new_attempt:
            runs.finish(result, StageState.CANCELLED, now)
            result.summary = "interrupted: the master stopped; it was tried again"
            publications.stop(session, result, now)
            result = runs.again(session, run, result, stage, now)
            result.tries -= 1  # the master's failure does not count as a retry
        else:
            result.request_id = result.buildset_id = None
        orders.stages = [order_of(run, result, run.reason)]
        return orders

    def _may_repeat(self, session: Session, result: StageResult, stage: Stage) -> bool:
        """Return whether an attempt may be repeated automatically."""
        began = deployments.of_stage(session, result.id) is not None
        return not began or may_repeat(self.project, stage)
