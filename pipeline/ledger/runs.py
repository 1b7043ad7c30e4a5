"""What happens to runs: they start, their stages become ready, begin, finish.

Every function works in the caller's transaction and derives what it says from the tables alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from slipway.ledger import gates
from slipway.ledger.run_state import counting, ready, verdict
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.cell import cells
from slipway.model.graph import dependents
from slipway.model.run_state import state_of
from slipway.model.stage import Stage
from slipway.model.states import ENDED_RUN, OPEN_STAGE, RunState, StageState

#: In so many runs, the newest first, is looked for one in which a stage has passed.
_LOOKED_BACK = 50


@dataclass(frozen=True)
class Commit:
    """What is known of the revision a run is about."""

    branch: str
    revision: str
    base_version: str
    """The project's own version, without the run's number."""
    committed_at: int
    subject: str = ""
    author: str = ""


@dataclass(frozen=True)
class Cause:
    """Who or what started something."""

    trigger: str
    owner: str = ""
    reason: str = ""


def start_run(
    session: Session,
    project: str,
    commit: Commit,
    cause: Cause,
    now: float,
    skips: Mapping[str, Any] | None = None,
) -> Run | None:
    """Write down a new run.

    A poll starts one run a revision; asked again it starts none.

    Args:
        session: The transaction.
        project: The project's name.
        commit: What the run is about.
        cause: What started it.
        now: Seconds since 1970.
        skips: The stages that `if-changed` skips, each with `why` and the `run` it passed in.

    Returns:
        The run, or None where the poll's run is there already.
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
    """Return the revision of the newest run a poll started on a branch."""
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
            # One of its cells, or an older attempt, is not the stage.
            if state_of(counting(run), name) == StageState.PASSED:
                found[name] = (run.number, run.revision)
                break
    return found


def queue_ready(
    session: Session, run: Run, stages: Mapping[str, Stage], now: float
) -> list[StageResult]:
    """Write down every stage that has become ready, until none is, and settle the run.

    Returns:
        The attempts that are queued now; gates wait and skipped stages have passed.
    """
    queued: list[StageResult] = []
    while names := ready(run, stages):
        for name in names:
            queued += first_try(session, run, name, stages[name], now)
    settle(run, stages, now)
    return [result for result in queued if result.state == StageState.QUEUED]


def first_try(session: Session, run: Run, name: str, stage: Stage, now: float) -> list[StageResult]:
    """Write down that a stage is to be tried: its cells, its gate, or that it is skipped."""
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


def again(
    session: Session, run: Run, last: StageResult, stage: Stage, now: float, *, owner: str = ""
) -> StageResult:
    """Write down one more attempt at a cell; of a gate a person's attempt waits for its gate.

    Args:
        session: The transaction.
        run: The run.
        last: The attempt before.
        stage: The stage.
        now: Seconds since 1970.
        owner: Who asked for it. Empty: it is tried again by itself, which a gate has let go.
    """
    # What a gate has let go once is tried again by itself without it.
    first = StageState.GATE if stage.manual and owner else StageState.QUEUED
    result = _attempt(run, last.name, last.cell, stage, first, now)
    result.owner = owner or last.owner
    result.tries = 0 if owner else last.tries + 1
    result.rollback = last.rollback
    if not result.rollback:
        reopen(run, f"{last.name} is tried again", now)
    if owner:
        run.superseded_by = None
    session.flush()
    if first == StageState.GATE:
        gates.attach(session, run, result, stage, now)
    elif stage.manual:
        gates.move(session, last, result)
    return result


def bring_back(
    session: Session, run: Run, name: str, stage: Stage, now: float, owner: str
) -> StageResult:
    """Write down an attempt that brings a run's release back; the run itself stays as it is.

    Args:
        session: The transaction.
        run: The run.
        name: The stage that deploys.
        stage: What pipeline.toml says of it.
        now: Seconds since 1970.
        owner: Who wants it.
    """
    (cell,) = cells(stage)
    result = _attempt(run, name, cell.name, stage, StageState.GATE, now)
    result.owner, result.rollback = owner, True
    session.flush()
    return result


def outdate(session: Session, run: Run, name: str, stages: Mapping[str, Stage], now: float) -> None:
    """Let no attempt count any more at the stages that wait for one.

    Raises:
        ValueError: One of them is at work.
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
    """Write down an attempt that stands for one of an earlier run."""
    result = _attempt(run, name, cell, stage, StageState.SKIPPED, now)
    result.summary, result.borrowed = run.skips[name]["why"], borrowed
    result.started_at = result.finished_at = now
    return result


def _borrowed(session: Session, run: Run, name: str, cell: str) -> StageResult | None:
    """Return the attempt that a skipped one stands for; None where this cell has never passed."""
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
    """Write down that a worker has taken a stage."""
    transition(result, StageState.RUNNING, f"{worker or 'a worker'} has taken it", now)
    result.build_id, result.worker = build_id, worker
    result.exit_code, result.summary, result.facts = None, "", {}
    result.artefacts.clear()


def finish(
    result: StageResult, state: StageState, now: float, exit_code: int | None = None
) -> None:
    """Write down how a stage ended; what it said of itself is there already."""
    transition(result, state, "it has ended", now)
    if exit_code is not None:
        result.exit_code = exit_code


def cancel(result: StageResult, why: str, now: float) -> None:
    """Write down that an attempt is cancelled: at once, so that no kill can undo it.

    What runs has no `finished_at` before Buildbot says that it has been stopped.
    """
    stopping = result.state == StageState.RUNNING
    transition(result, StageState.CANCELLED, why, now)
    result.summary = why
    if stopping:
        result.finished_at = None


def is_stopping(result: StageResult) -> bool:
    """Tell whether an attempt is cancelled and still at work."""
    return result.state == StageState.CANCELLED and result.finished_at is None


def settle(run: Run, stages: Mapping[str, Stage], now: float) -> None:
    """Derive a run's state from its stages; what has ended stays so until one is at work again.

    A pipeline that has changed since would make another of it.
    """
    at_work = any(one.state in OPEN_STAGE for one in counting(run).values())
    state = verdict(run, stages)
    if state != run.state and (at_work or run.state not in ENDED_RUN):
        transition(run, state, "derived from its stages", now)


def break_off(run: Run, now: float) -> None:
    """End a run as failed where nothing of it is at work any more."""
    at_work = any(one.state in OPEN_STAGE for one in counting(run).values())
    if run.state not in ENDED_RUN and not at_work:
        transition(run, RunState.FAILED, "it could not go on", now)


def reopen(run: Run, why: str, now: float) -> None:
    """Let a run that came to rest go on."""
    if run.state != RunState.RUNNING:
        transition(run, RunState.RUNNING, why, now)


def older_open(session: Session, run: Run) -> list[Run]:
    """Return the open runs of the same branch that came before a run."""
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
    """Write down the release that `publish` made, once, and what is in it."""
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
