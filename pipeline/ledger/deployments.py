"""Deployments: releases deployed to environments, with the person and the result.

Every function works in the caller's transaction. A change of state that is not legal raises
`slipway.ledger.transitions.IllegalRow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.runs import Release, Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project
from slipway.model.states import STANDING, DeploymentState, StageState

__all__ = [
    "begin",
    "cancel",
    "current",
    "environment_of",
    "finish",
    "last_values",
    "of_stage",
    "record_result",
    "release_of",
    "wanted",
    "was_at",
]


def environment_of(project: Project, stage: str) -> str | None:
    """Return the environment that a stage deploys to; None for stages of other kinds."""
    its = project.stages.get(stage)
    return its.deploys_to if its is not None else None


def release_of(session: Session, run: Run) -> Release | None:
    """Return the newest release of a run; where there was nothing to release, that of before."""
    query = select(Release).order_by(Release.id.desc()).limit(1)
    own = session.scalar(query.where(Release.run_id == run.id))
    if own is not None:
        return own
    for result in reversed(run.stages):
        if result.state == StageState.UNCHANGED and result.borrowed is not None:
            return session.scalar(query.where(Release.run_id == result.borrowed.run_id))
    return None


def wanted(session: Session, run: Run, stage: Stage, values: Mapping[str, Any]) -> Release | None:
    """Return the release that a stage would deploy: named by its answers, or else the run's own.

    Args:
        session: The transaction.
        run: The run.
        stage: The stage; one of its parameters may be of the type `release`.
        values: The answers.
    """
    named = next((one.name for one in stage.parameters if one.type == "release"), None)
    version = values.get(named) if named else None
    if not version:
        return release_of(session, run)
    query = select(Release).join(Run).where(Run.project == run.project)
    return session.scalar(
        query.where(Release.version == version).order_by(Release.id.desc()).limit(1)
    )


def current(session: Session, project: str, environment: str) -> Deployment | None:
    """Return the deployment of the release that an environment runs now; None if there is none."""
    return session.scalar(
        select(Deployment)
        .where(
            Deployment.project == project,
            Deployment.environment == environment,
            Deployment.state.in_(STANDING),
        )
        .order_by(Deployment.finished_at.desc(), Deployment.id.desc())
        .limit(1)
    )


def last_values(session: Session, project: str, environment: str) -> dict[str, Any]:
    """Return the parameter values of the last deployment to an environment."""
    found = session.scalar(
        select(Deployment.values)
        .where(Deployment.project == project, Deployment.environment == environment)
        .order_by(Deployment.id.desc())
        .limit(1)
    )
    return dict(found or {})


def of_stage(session: Session, stage_id: int) -> Deployment | None:
    """Return the deployment that belongs to a stage attempt."""
    return session.scalar(select(Deployment).where(Deployment.stage_id == stage_id))


def begin(
    session: Session,
    result: StageResult,
    environment: str,
    release: Release,
    gate: Gate | None,
    now: float,
) -> Deployment:
    """Record the start of a deployment of a release to an environment.

    Idempotent: when another worker retries the attempt of a lost worker, the same deployment
    continues.
    """
    known = of_stage(session, result.id)
    if known is not None:
        transition(known, DeploymentState.RUNNING, "another worker has taken it up", now)
        return known
    before = current(session, result.run.project, environment)
    if gate is not None:
        gate.previous_id = before.id if before is not None else None
    made = Deployment(
        project=result.run.project,
        environment=environment,
        release_id=release.id,
        stage_id=result.id,
        gate_id=gate.id if gate else None,
        previous_id=before.id if before else None,
        person=result.owner,
        values=dict(gate.values) if gate else {},
        rollback=before is not None and before.release_id > release.id,
        started_at=now,
        facts={},
    )
    session.add(made)
    session.flush()
    return made


def finish(
    deployment: Deployment,
    state: DeploymentState,
    message: str,
    facts: Mapping[str, Any],
    now: float,
) -> None:
    """Record the result of a deployment."""
    transition(deployment, state, message or "it has ended", now)
    deployment.message, deployment.facts = message, dict(facts)


def record_result(session: Session, result: StageResult, exit_code: int, now: float) -> None:
    """Record the result that the deployer's script reported. Idempotent."""
    deployment = of_stage(session, result.id)
    # A transaction is retried when the connection is lost before its commit is acknowledged.
    if deployment is None or deployment.state != DeploymentState.RUNNING:
        return
    back = result.facts.get("outcome") == DeploymentState.ROLLED_BACK
    if exit_code == 0:
        state = DeploymentState.DEPLOYED
    else:
        state = DeploymentState.ROLLED_BACK if back else DeploymentState.FAILED
    finish(deployment, state, result.summary, result.facts, now)


def was_at(session: Session, release: Release, environment: str) -> bool:
    """Return whether an environment has ever run a release."""
    query = select(Deployment.id).where(
        Deployment.project == release.run.project,
        Deployment.environment == environment,
        Deployment.release_id == release.id,
        Deployment.state.in_(STANDING),
    )
    return session.scalar(query.limit(1)) is not None


def cancel(session: Session, result: StageResult, now: float) -> None:
    """Record that a running deployment was cancelled."""
    deployment = of_stage(session, result.id)
    if deployment is not None and deployment.state == DeploymentState.RUNNING:
        finish(
            deployment,
            DeploymentState.CANCELLED,
            result.summary or "stopped in the middle",
            {},
            now,
        )
