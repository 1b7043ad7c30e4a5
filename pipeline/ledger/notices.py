"""Collect notices from the ledger: ended runs, waiting gates, ended deployments."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.titles import title_of
from slipway.model.states import DeploymentState, GateState, RunState, StageState

__all__ = ["happened"]

_RUNS = {
    RunState.PASSED: Event.RUN_PASSED,
    RunState.FAILED: Event.RUN_FAILED,
    RunState.CANCELLED: Event.RUN_CANCELLED,
}
_GATES = {GateState.OPEN: Event.GATE_WAITS, GateState.ASKED: Event.APPROVAL_WAITS}
_DEPLOYMENTS = {
    DeploymentState.DEPLOYED: Event.DEPLOYED,
    DeploymentState.ROLLED_BACK: Event.DEPLOYMENT_FAILED,
    DeploymentState.FAILED: Event.DEPLOYMENT_FAILED,
}


def happened(
    session: Session, project: str, numbers: Collection[int], since: float, url: str
) -> list[Notice]:
    """Return the notices of a project, oldest first.

    Args:
        session: The ledger.
        project: The project's name.
        numbers: The runs to consider; deployments are always considered.
        since: Only events since this time, in seconds since 1970.
        url: The site's URL, with a trailing slash.
    """
    found = [*_ended(session, project, numbers, since, url)]
    found += _waiting(session, project, numbers, since, url)
    found += _deployed(session, project, since, url)
    return sorted(found, key=lambda one: one.at)


def _ended(
    session: Session, project: str, numbers: Collection[int], since: float, url: str
) -> Iterator[Notice]:
    query = select(Run).where(
        Run.project == project, Run.number.in_(numbers), Run.finished_at >= since
    )
    for run in session.scalars(query.where(Run.state.in_(_RUNS))):
        bad = [one for one in run.stages if one.state == StageState.FAILED and not one.stale]
        failed = bad if run.state == RunState.FAILED else []
        failed.sort(key=lambda one: one.finished_at or 0)
        at = run.finished_at or 0.0
        yield _notice(
            id=f"run-{run.id}-{at}",
            event=_RUNS[run.state],
            stage=failed[0].name if failed else "",
            text=failed[0].summary if failed else "",
            person=run.owner,
            at=at,
            **_facts(run, url),
        )


def _waiting(
    session: Session, project: str, numbers: Collection[int], since: float, url: str
) -> Iterator[Notice]:
    query = select(Gate).join(Run).where(Run.project == project, Run.number.in_(numbers))
    query = query.where(Gate.stage_id.is_not(None), Gate.state.in_(_GATES))
    for gate in session.scalars(query.where(or_(Gate.made_at >= since, Gate.asked_at >= since))):
        asked = gate.state == GateState.ASKED
        yield _notice(
            id=f"gate-{gate.id}-{gate.asking if asked else ''}",
            event=_GATES[gate.state],
            stage=gate.stage,
            person=gate.person,
            at=(gate.asked_at if asked else gate.made_at) or 0.0,
            **_facts(gate.run, url, gate.stage),
        )


def _deployed(session: Session, project: str, since: float, url: str) -> Iterator[Notice]:
    query = select(Deployment, StageResult).join(StageResult, StageResult.id == Deployment.stage_id)
    query = query.where(Deployment.project == project, Deployment.finished_at >= since)
    for row, result in session.execute(query.where(Deployment.state.in_(_DEPLOYMENTS))):
        yield _notice(
            id=f"deployment-{row.id}",
            event=_DEPLOYMENTS[row.state],
            stage=result.name,
            environment=row.environment,
            person=row.person,
            text="" if row.state == DeploymentState.DEPLOYED else row.message,
            at=row.finished_at or 0.0,
            **_facts(result.run, url, result.name),
        )


def _notice(event: Event, **facts: Any) -> Notice:
    return Notice(event=event, title=title_of(event, facts), **facts)


def _facts(run: Run, url: str, stage: str = "") -> dict[str, Any]:
    query = f"?stage={quote(stage)}" if stage else ""
    return {
        "project": run.project,
        "run": run.number,
        "version": run.version,
        "branch": run.branch,
        "subject": run.subject,
        "author": run.author,
        "url": f"{url}#/pipelines/{run.project}/{run.number}{query}",
    }
