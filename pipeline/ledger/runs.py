"""Life cycle of runs: start a run; queue, begin and finish its stages.

Every function works in the caller's transaction and derives its result from the tables alone. A
change of state that is not legal raises `slipway.ledger.transitions.IllegalRow`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from slipway.ledger import gates
from slipway.ledger.run_state import counting, ready, verdict
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.cell import cells
from slipway.model.commit import Cause, Commit
from slipway.model.graph import dependents
from slipway.model.kinds.stage import Stage
from slipway.model.run_state import state_of
from slipway.model.states import ENDED_RUN, OPEN_STAGE, RunState, StageState

__all__ = [
    "again",
    "begin",
    "break_off",
    "bring_back",
    "cancel",
    "finish",
    "first_try",
    "is_stopping",
    "keep_release",
    "last_passed",
    "older_open",
    "outdate",
    "polled_revision",
    "queue_ready",
    "reinstate",
    "reopen",
    "settle",
    "start_run",
]

#: Maximum number of runs, newest first, that are searched for one in which a stage passed.
_LOOKED_BACK = 50


def start_run(
    session: Session,
    project: str,
    commit: Commit,
    cause: Cause,
    now: float,
    skips: Mapping[str, Any] | None = None,
) -> Run | None:
    """Insert a new run.

    Idempotent for polls: a poll starts one run per revision.

    Args:
        session: The transaction.
        project: The project's name.
        commit: The commit to run.
        cause: The trigger.
        now: Seconds since 1970.
        skips: The stages that `if-changed` skips, each with `why` and the `run` it passed in.

    Returns:
        The run, or None if the poll's run exists already.
    """
    if cause.trigger == "poll":
        known = polled_revision(session, project, commit.branch)
        if known == commit.revision:
            return None
    highest = session.scalar(select(func.max(Run.number)).where(Run.project == project)) or 0
    run = Run(
        project=project,
        number=highest + 1,
        branch=commit.branch,
        revision=commit.revision,
        version=f"{commit.base_version}+{highest + 1}",
        subject=commit.subject,
        author=commit.author,
        committed_at=commit.committed_at,
        trigger=cause.trigger,
        owner=cause.owner,
        reason=cause.reason,
        skips=dict(skips or {}),
        started_at=now,
    )
    session.add(run)
    session.flush()
    return run


def polled_revision(session: Session, project: str, branch: str) -> str | None:
    """Return the revision of the newest polled run of a branch; None if there is none."""
    return session.scalar(
        select(Run.revision)
        .where(Run.project == project, Run.branch == branch, Run.trigger == "poll")
        .order_by(Run.number.desc())
        .limit(1)
    )


def last_passed(
    session: Session, project: str, branch: str, names: Iterable[str]
) -> dict[str, tuple[int, str]]:
    """Return the newest run of a branch in which each stage passed: its number and revision."""
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        has_passed = Run.stages.any(_has_passed(name))
        runs = session.scalars(
            select(Run)
            .where(Run.project == project, Run.branch == branch, has_passed)
            .order_by(Run.number.desc())
            .limit(_LOOKED_BACK)
        )
        for run in runs:
            # The query also finds runs in which only one cell, or only an older attempt, passed.
            if state_of(counting(run), name) == StageState.PASSED:
                found[name] = (run.number, run.revision)
                break
    return found


def queue_ready(
    session: Session, run: Run, stages: Mapping[str, Stage], now: float
) -> list[StageResult]:
    """Create attempts for all startable stages until none is left; update the run's state.

    Returns:
        The attempts that are queued now, without waiting gates and skipped stages.
    """
    queued: list[StageResult] = []
    while names := ready(run, stages):
        for name in names:
            queued += first_try(session, run, name, stages[name], now)
    settle(run, stages, now)
    return [result for result in queued if result.state == StageState.QUEUED]


def first_try(session: Session, run: Run, name: str, stage: Stage, now: float) -> list[StageResult]:
    """Create the first attempts at a stage: its cells, with a gate, or skipped."""
    made = []
    for cell in cells(stage):
        borrowed = _borrowed(session, run, name, cell.name) if name in run.skips else None
        if borrowed is not None:
            made.append(_skip(run, name, cell.name, stage, borrowed, now))
        else:
            first = StageState.GATE if stage.manual else StageState.QUEUED
            made.append(_attempt(run, name, cell.name, stage, first, now))
    session.flush()
    if stage.manual and made[0].state == StageState.GATE:
        gates.attach(session, run, made[0], stage, now)
    return made


def reinstate(run: Run) -> None:
    """Let a run continue that a newer run has superseded: a person wants it."""
    run.superseded_by = None


def again(
    session: Session, run: Run, last: StageResult, stage: Stage, now: float, *, owner: str = ""
) -> StageResult:
    """Create another attempt at a cell; a person's retry of a manual stage waits for a gate.

    Args:
        session: The transaction.
        run: The run.
        last: The attempt before.
        stage: The stage.
        now: Seconds since 1970.
        owner: The person who asked for it. Empty: an automatic retry, which needs no new gate.
    """
    # An automatic retry needs no new gate: the first attempt was approved.
    first = StageState.GATE if stage.manual and owner else StageState.QUEUED
    result = _attempt(run, last.name, last.cell, stage, first, now)
    result.owner = owner or last.owner
    result.tries = 0 if owner else last.tries + 1
    result.rollback = last.rollback
    if not result.rollback:
        reopen(run, f"{last.name} is tried again", now)
    if owner:
        reinstate(run)
    session.flush()
    if first == StageState.GATE:
        gates.attach(session, run, result, stage, now)
    elif stage.manual:
        gates.move(session, last, result)
    return result


def bring_back(
    session: Session, run: Run, name: str, stage: Stage, now: float, owner: str
) -> StageResult:
    """Create an attempt that rolls back to a run's release; the run's state does not change.

    Args:
        session: The transaction.
        run: The run.
        name: The stage that deploys.
        stage: The stage's configuration in pipeline.toml.
        now: Seconds since 1970.
        owner: The person who asked for it.
    """
    (cell,) = cells(stage)
    result = _attempt(run, name, cell.name, stage, StageState.GATE, now)
    result.owner, result.rollback = owner, True
    session.flush()
    return result


def outdate(session: Session, run: Run, name: str, stages: Mapping[str, Stage], now: float) -> None:
    """Mark all attempts at the dependents of a stage as stale, and withdraw their gates.

    Raises:
        ValueError: One of them is queued, running or stopping.
    """
    later = dependents(stages, name)
    for (stage, _), result in counting(run).items():
        if stage in later and result.state in OPEN_STAGE:
            msg = f"{stage} of run {run.number} is {result.state}; cancel it first"
            raise ValueError(msg)
        if stage in later and is_stopping(result):
            msg = f"{stage} of run {run.number} is being stopped; try again when it has ended"
            raise ValueError(msg)
    for result in run.stages:
        if result.name in later and not result.rollback:
            result.stale = True
            gates.withdraw(session, result, stages[result.name], f"{name} is run again", now)


def _attempt(
    run: Run, name: str, cell: str, stage: Stage, first: StageState, now: float
) -> StageResult:
    before = [one.attempt for one in run.stages if (one.name, one.cell) == (name, cell)]
    result = StageResult(
        name=name,
        cell=cell,
        uses=stage.uses,
        attempt=max(before, default=0) + 1,
        state=first,
        queued_at=now,
        facts={},
        tries=0,
        stale=False,
        rollback=False,
    )
    run.stages.append(result)
    return result


def _skip(
    run: Run, name: str, cell: str, stage: Stage, borrowed: StageResult, now: float
) -> StageResult:
    """Create a skipped attempt that uses the artefacts of one of an earlier run."""
    result = _attempt(run, name, cell, stage, StageState.SKIPPED, now)
    result.summary, result.borrowed = run.skips[name]["why"], borrowed
    result.started_at = result.finished_at = now
    return result


def _borrowed(session: Session, run: Run, name: str, cell: str) -> StageResult | None:
    """Return the earlier attempt to use for a skipped cell; None if it never passed."""
    query = (
        select(StageResult)
        .join(Run)
        .where(
            Run.project == run.project,
            Run.number == run.skips[name]["run"],
            StageResult.cell == cell,
            _has_passed(name),
        )
        .order_by(StageResult.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def _has_passed(name: str) -> ColumnElement[bool]:
    return (StageResult.name == name) & (StageResult.state == StageState.PASSED)


def begin(result: StageResult, build_id: int, worker: str, now: float) -> None:
    """Record that a worker has begun an attempt."""
    transition(result, StageState.RUNNING, f"{worker or 'a worker'} has taken it", now)
    result.build_id, result.worker = build_id, worker
    result.exit_code, result.summary, result.facts = None, "", {}
    result.artefacts.clear()


def finish(
    result: StageResult, state: StageState, now: float, exit_code: int | None = None
) -> None:
    """Record the final state of a stage; its own summary is recorded already."""
    transition(result, state, "it has ended", now)
    if exit_code is not None:
        result.exit_code = exit_code


def cancel(result: StageResult, why: str, now: float) -> None:
    """Record that an attempt is cancelled, before Buildbot stops it, so that a kill cannot lose it.

    A running attempt gets its `finished_at` when Buildbot reports that it was stopped.
    """
    stopping = result.state == StageState.RUNNING
    transition(result, StageState.CANCELLED, why, now)
    result.summary = why
    if stopping:
        result.finished_at = None


def is_stopping(result: StageResult) -> bool:
    """Return whether an attempt is cancelled but its build has not stopped yet."""
    return result.state == StageState.CANCELLED and result.finished_at is None


def settle(run: Run, stages: Mapping[str, Stage], now: float) -> None:
    """Derive a run's state from its stages; an ended run changes only while a stage is active.

    Otherwise a later change of pipeline.toml would change the result of an ended run.
    """
    at_work = any(one.state in OPEN_STAGE for one in counting(run).values())
    state = verdict(run, stages)
    if state != run.state and (at_work or run.state not in ENDED_RUN):
        transition(run, state, "derived from its stages", now)


def break_off(run: Run, now: float) -> None:
    """End a run as failed if no stage of it is active."""
    at_work = any(one.state in OPEN_STAGE for one in counting(run).values())
    if run.state not in ENDED_RUN and not at_work:
        transition(run, RunState.FAILED, "it could not go on", now)


def reopen(run: Run, why: str, now: float) -> None:
    """Set a run that is at rest back to running."""
    if run.state != RunState.RUNNING:
        transition(run, RunState.RUNNING, why, now)


def older_open(session: Session, run: Run) -> list[Run]:
    """Return the older running runs of the same branch."""
    query = select(Run).where(
        Run.project == run.project,
        Run.branch == run.branch,
        Run.number < run.number,
        Run.state == RunState.RUNNING,
    )
    return list(session.scalars(query))


def keep_release(
    session: Session,
    run: Run,
    facts: Mapping[str, Any],
    contents: Iterable[tuple[StageResult, Artefact]],
    now: float,
) -> None:
    """Record the release that `publish` made, with its contents. Idempotent."""
    place, manifest = str(facts.get("folder", "")), str(facts.get("manifest_sha256", ""))
    if not place or not manifest or any(release.place == place for release in run.releases):
        return
    session.add(
        Release(
            run=run,
            version=run.version,
            place=place,
            manifest_sha256=manifest,
            published_at=now,
            artefacts=[
                {
                    "stage": result.name,
                    "cell": result.cell,
                    "uses": result.uses,
                    "name": artefact.name,
                    "sha256": artefact.sha256,
                    "size": artefact.size,
                    "media_type": artefact.media_type,
                }
                for result, artefact in contents
            ],
            audit_head=str(facts.get("audit_head", "")) or None,
        )
    )
