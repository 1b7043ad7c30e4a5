"""Read-only queries: deployments, with their releases and environments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from slipway.ledger.tables import gates as gate_tables
from slipway.ledger.tables import runs as tables
from slipway.model.records.deployment import Deployment, Reached
from slipway.model.states import STANDING

__all__ = ["fetch", "newest", "of_run", "standing", "statement"]

_Row = gate_tables.Deployment
_Before = aliased(gate_tables.Deployment)
_OldRelease = aliased(tables.Release)
_OldRun = aliased(tables.Run)


def statement() -> Any:
    """Return the select of deployments with all columns of their records."""
    return (
        select(
            _Row,
            tables.Release.version,
            tables.Release.manifest_sha256,
            tables.Run.number,
            tables.Run.revision,
            tables.Run.branch,
            tables.Run.subject,
            tables.StageResult.name,
            _OldRelease.version.label("old_version"),
            _OldRun.number.label("old_run"),
        )
        .join(tables.Release, tables.Release.id == _Row.release_id)
        .join(tables.Run, tables.Run.id == tables.Release.run_id)
        .join(tables.StageResult, tables.StageResult.id == _Row.stage_id)
        .outerjoin(_Before, _Before.id == _Row.previous_id)
        .outerjoin(_OldRelease, _OldRelease.id == _Before.release_id)
        .outerjoin(_OldRun, _OldRun.id == _OldRelease.run_id)
        .order_by(_Row.id.desc())
    )


def newest(limit: int, *conditions: Any) -> Any:
    """Return the select of the newest deployments that fulfil conditions."""
    # Sorted by id in a subquery, from the index alone, without the shown columns.
    ids = select(_Row.id).where(*conditions).order_by(_Row.id.desc()).limit(limit)
    return statement().where(_Row.id.in_(ids))


def fetch(session: Session, query: Select[Any]) -> list[Deployment]:
    """Return the deployments of a narrowed `statement`."""
    return [_record(row) for row in session.execute(query)]


def of_run(session: Session, run_id: int) -> list[Deployment]:
    """Return the deployments of a run's stages, newest first."""
    return fetch(session, statement().where(tables.StageResult.run_id == run_id))


def standing(session: Session) -> list[Deployment]:
    """Return the current deployment of each environment of the site."""
    newest = (
        select(func.max(_Row.id))
        .where(_Row.state.in_(STANDING))
        .group_by(_Row.project, _Row.environment)
    )
    return fetch(session, statement().where(_Row.id.in_(newest)))


def _record(row: Any) -> Deployment:
    one: gate_tables.Deployment = row[0]
    previous = None
    if one.previous_id is not None and row.old_version is not None:
        previous = Reached(id=one.previous_id, version=row.old_version, run=row.old_run)
    return Deployment(
        id=one.id,
        project=one.project,
        environment=one.environment,
        state=one.state,
        version=row.version,
        run=row.number,
        stage=row.name,
        revision=row.revision,
        branch=row.branch,
        subject=row.subject,
        release_id=one.release_id,
        manifest_sha256=row.manifest_sha256,
        previous=previous,
        person=one.person,
        values=one.values,
        rollback=one.rollback,
        message=one.message,
        facts=one.facts,
        started_at=one.started_at,
        finished_at=one.finished_at,
    )
