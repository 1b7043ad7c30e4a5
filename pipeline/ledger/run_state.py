"""How a run stands: what its stages' attempts say, by the rules of the graph. Reading only."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import object_session, selectinload

from slipway.ledger.tables.runs import Artefact, Run, StageResult
from slipway.model.stage import Stage

OPEN_RUN = ("running", "waiting")
#: A stage in one of these goes on by itself.
OPEN_STAGE = ("queued", "running")
#: A person has said no, none came in time, or it was called off.
CLOSED = ("rejected", "expired", "cancelled")
#: What counts more comes first: a stage is what the first of these is that one of its cells is.
WEIGHT = (
    *("running", "queued", "gate", "failed", "cancelled", "rejected", "expired"),
    *("passed", "skipped"),
)

#: The attempts that count, by stage and cell.
Counting = Mapping[tuple[str, str], StageResult]


def counting(run: Run) -> dict[tuple[str, str], StageResult]:
    """Return the newest attempt of each cell; those that count no more are left out.

    So are rollbacks to the run: what became of it was decided long before.
    """
    return {(one.name, one.cell): one for one in run.stages if not (one.stale or one.rollback)}


def state_of(have: Counting, name: str) -> str:
    """Return the state of a stage from its cells; empty where it was never tried."""
    states = {result.state for (stage, _), result in have.items() if stage == name}
    return next((state for state in WEIGHT if state in states), "")


def met(have: Counting, name: str, stages: Mapping[str, Stage]) -> bool:
    """Tell whether a need is met: passed, skipped, or failed where that is allowed."""
    state = state_of(have, name)
    forgiven = state == "failed" and name in stages and stages[name].allow_failure
    return state in {"passed", "skipped"} or forgiven


def unmet(run: Run, stage: Stage, stages: Mapping[str, Stage]) -> list[str]:
    """Return the needs of a stage that are not met in a run."""
    have = counting(run)
    return [need for need in stage.needs if not met(have, need, stages)]


def ready(run: Run, stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages that may start now: never tried, and what they wait for has come."""
    return [] if run.superseded_by is not None else _startable(counting(run), stages)


def _startable(have: Counting, stages: Mapping[str, Stage]) -> list[str]:
    tried = {name for name, _ in have}
    return [
        name
        for name, stage in stages.items()
        if name not in tried and _may_start(stage, have, stages)
    ]


def _may_start(stage: Stage, have: Counting, stages: Mapping[str, Stage]) -> bool:
    if stage.on_failure and not any(state_of(have, name) == "failed" for name in stage.on_failure):
        return False
    return all(met(have, need, stages) for need in stage.needs)


def verdict(run: Run, stages: Mapping[str, Stage]) -> str:
    """Return a run's state: running while one of its stages can go on by itself."""
    have = counting(run)
    if any(result.state in OPEN_STAGE for result in have.values()) or ready(run, stages):
        return "running"
    # What runs because something failed says nothing of the run itself.
    names = [name for name, stage in stages.items() if not stage.on_failure]
    states = {state_of(have, name) for name in names if not met(have, name, stages)} - {""}
    if "failed" in states:
        return "failed"
    if states & {*CLOSED}:
        return "cancelled"
    # A newer run has kept it from beginning what it could.
    if run.superseded_by is not None and _startable(have, stages):
        return "cancelled"
    return "waiting" if "gate" in states else "passed"


def inputs(run: Run, stage: Stage) -> list[tuple[StageResult, Artefact]]:
    """Return the products of the stages a stage needs, each with the attempt that stands for it.

    A skipped stage stands for the attempt of an earlier run in which it passed.
    """
    needed = [result for (name, _), result in counting(run).items() if name in stage.needs]
    sources = [result.borrowed or result for result in needed]
    _fetch_artefacts(sources)
    return [
        (result, artefact)
        for result, source in zip(needed, sources, strict=True)
        for artefact in source.artefacts
        if artefact.role == "product"
    ]


def _fetch_artefacts(results: list[StageResult]) -> None:
    """Read the artefacts of many attempts in one statement, not in one each."""
    session = object_session(results[0]) if len(results) > 1 else None
    if session is not None:
        ids = [result.id for result in results]
        query = select(StageResult).where(StageResult.id.in_(ids))
        session.scalars(query.options(selectinload(StageResult.artefacts))).all()
