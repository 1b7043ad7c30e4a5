"""Context of a gate's parameters: the ledger's facts that defaults and choices depend on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from slipway.ledger import deployments, run_state
from slipway.ledger.releases import blocks
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Release, Run
from slipway.model.parameter import Choice, Context
from slipway.model.site import Project
from slipway.model.states import GateState

__all__ = ["context_of", "deployable", "last_values"]

#: Maximum number of releases offered, newest first.
_OFFERED = 100


def context_of(
    session: Session,
    run: Run,
    name: str,
    project: Project,
    choices: Mapping[str, tuple[Choice, ...]],
    changes: str = "",
) -> Context:
    """Return the context of a gate's defaults and choices.

    Args:
        session: The transaction.
        run: The gate's run.
        name: The stage behind it.
        project: Its project.
        choices: The choices printed by external programs, by parameter.
        changes: The prepared release notes, if the gate asks for them.
    """
    stage = project.stages[name]
    asks_release = any(one.type == "release" for one in stage.parameters)
    return Context(
        today=datetime.now().astimezone().date(),
        version=run.version,
        revision=run.revision,
        branch=run.branch,
        changes=changes,
        last=last_values(session, run.project, name, project),
        releases=deployable(session, run.project, name, project) if asks_release else (),
        environments=tuple(Choice(value=name) for name in project.environments),
        choices=choices,
    )


def last_values(session: Session, name: str, stage: str, project: Project) -> dict[str, Any]:
    """Return the previous parameter values: of the environment if any, else of the stage."""
    environment = deployments.environment_of(project, stage)
    if environment is not None:
        return deployments.last_values(session, name, environment)
    query = (
        select(Gate.values)
        .join(Run)
        .where(Run.project == name, Gate.stage == stage, Gate.state == GateState.OPENED)
        .order_by(Gate.id.desc())
        .limit(1)
    )
    return dict(session.scalar(query) or {})


def deployable(session: Session, name: str, stage: str, project: Project) -> tuple[Choice, ...]:
    """Return the releases whose runs meet all needs of a stage, newest first; none is blocked."""
    query = (
        select(Release)
        .join(Run)
        .where(Run.project == name, Run.pruned_at.is_(None))
        .options(selectinload(Release.run).selectinload(Run.stages))
        .order_by(Release.id.desc())
        .limit(_OFFERED)
    )
    offered: dict[str, None] = {}
    blocked = blocks.list_blocks(session, name)
    for release in session.scalars(query):
        if (name, release.version) in blocked:
            continue
        if not run_state.unmet(release.run, project.stages[stage], project.stages):
            offered[release.version] = None
    return tuple(Choice(value=version) for version in offered)
