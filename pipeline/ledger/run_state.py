"""State of a run in the ledger; applies the rules of `slipway.model.run_state` to its attempts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import object_session, selectinload

from slipway.ledger.tables.runs import Artefact, Run, StageResult
from slipway.model import run_state as rules
from slipway.model.kinds.stage import Stage
from slipway.model.states import RunState

__all__ = ["Counting", "counting", "inputs", "ready", "reports", "unmet", "verdict"]

#: The attempts that count, by stage and cell.
Counting = Mapping[tuple[str, str], StageResult]


def counting(run: Run) -> dict[tuple[str, str], StageResult]:
    """Return the newest attempt of each cell, without stale attempts.

    Rollbacks to the run are left out, too: they happen after the run's own state was decided.
    """
    return {(one.name, one.cell): one for one in run.stages if not (one.stale or one.rollback)}


def unmet(run: Run, stage: Stage, stages: Mapping[str, Stage]) -> list[str]:
    """Return the needs of a stage that are not met in a run."""
    return rules.unmet(counting(run), stage, stages)


def ready(run: Run, stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages that may start now; none if a newer run has superseded this one."""
    return [] if run.superseded_by is not None else rules.startable(counting(run), stages)


def verdict(run: Run, stages: Mapping[str, Stage]) -> RunState:
    """Return a run's state, derived by `slipway.model.run_state`."""
    return rules.verdict(counting(run), stages, superseded=run.superseded_by is not None)


def inputs(run: Run, stage: Stage) -> list[tuple[StageResult, Artefact]]:
    """Return the products of a stage's needs, each with the attempt that needs it resolved to.

    For a skipped stage, the artefacts are those of the earlier run's attempt in which it passed.
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


def reports(run: Run, uses: str) -> list[tuple[StageResult, Artefact]]:
    """Return what the stages of a kind have left for people, of the attempts that count."""
    made = [one for one in counting(run).values() if one.uses == uses]
    sources = [one.borrowed or one for one in made]
    if sources:
        _fetch_artefacts(sources)
    return [
        (result, artefact)
        for result, source in zip(made, sources, strict=True)
        for artefact in source.artefacts
        if artefact.role == "report"
    ]


def _fetch_artefacts(results: list[StageResult]) -> None:
    """Load the artefacts of many attempts with one query instead of one each."""
    session = object_session(results[0]) if len(results) > 1 else None
    if session is not None:
        ids = [result.id for result in results]
        query = select(StageResult).where(StageResult.id.in_(ids))
        session.scalars(query.options(selectinload(StageResult.artefacts))).all()
