"""Retention: which runs' artefacts are let go, and what is kept whatever its age.

A pruned run stays in the ledger with all that was said of it; its files leave the store. Never
pruned: what an environment runs or ran before that, what waits at a gate or is at work, the newest
release of each branch, and what stands for a skipped stage of a run that stays.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from slipway.ledger import gates, standing
from slipway.ledger.gate_tables import Deployment, Gate
from slipway.ledger.store import Store
from slipway.ledger.tables import Artefact, Release, Run, StageResult
from slipway.model.site import Keep, Project

_DAY = 86400.0
#: A file younger than this may belong to a stage that has not told its artefacts yet.
_YOUNG = _DAY


@dataclass
class Prunable:
    """What can go."""

    runs: list[tuple[str, int, str]] = field(default_factory=list)
    """Project, number and version of each run."""
    files: list[str] = field(default_factory=list)
    """The SHA-256 of each file that nothing needs any more."""
    size: int = 0
    """Their bytes."""


def find(session: Session, projects: dict[str, Project], store: Store, now: float) -> Prunable:
    """Return what can go by each project's `keep`; nothing is changed.

    Args:
        session: The transaction.
        projects: The projects; one without `keep` keeps everything.
        store: The artefact store.
        now: Seconds since 1970.
    """
    found = Prunable()
    going: set[int] = set()
    for name, project in projects.items():
        for run in _old_runs(session, name, project.keep, now):
            going.add(run.id)
            found.runs.append((name, run.number, run.version))
    needed = set(_needed_files(session, going))
    for path in store.files():
        sha256 = path.parent.name + path.name
        stat = path.stat()
        if sha256 not in needed and now - stat.st_mtime > _YOUNG:
            found.files.append(sha256)
            found.size += stat.st_size
    return found


def mark(session: Session, projects: dict[str, Project], store: Store) -> Prunable:
    """Mark the runs that can go; their files are removed once this is committed, by `remove`.

    A process that is killed between the two leaves files that the next pruning removes.
    """
    found = find(session, projects, store, now := time.time())
    for name, number, _ in found.runs:
        run = session.scalar(select(Run).where(Run.project == name, Run.number == number))
        if run is not None:
            run.pruned_at = now
    return found


def remove(store: Store, found: Prunable) -> None:
    """Remove the files of what was marked."""
    for sha256 in found.files:
        store.path(sha256).unlink(missing_ok=True)


def _old_runs(session: Session, project: str, keep: Keep | None, now: float) -> list[Run]:
    if keep is None:
        return []
    newest = session.scalar(select(func.max(Run.number)).where(Run.project == project)) or 0
    query = select(Run).where(
        Run.project == project,
        Run.number <= newest - keep.runs,
        Run.started_at < now - keep.age,
        Run.pruned_at.is_(None),
        Run.state.not_in(standing.OPEN_RUN),
        Run.id.not_in(_protected(session, project)),
    )
    return list(session.scalars(query.order_by(Run.number)))


def _protected(session: Session, project: str) -> set[int]:
    """Return the ids of the runs that stay whatever their age."""
    waiting = select(Gate.run_id).where(Gate.state.in_(gates.UNDECIDED))
    last = (
        select(func.max(Release.run_id))
        .join(Run)
        .where(Run.project == project)
        .group_by(Run.branch)
    )
    places = select(Deployment.environment).where(Deployment.project == project).distinct()
    found = {*session.scalars(waiting), *session.scalars(last)}
    for environment in session.scalars(places):
        # What runs there now, and what one would go back to.
        query = (
            select(Release.run_id)
            .join(Deployment, Deployment.release_id == Release.id)
            .where(
                Deployment.project == project,
                Deployment.environment == environment,
                Deployment.state.in_(("deployed", "running")),
            )
            .order_by(Deployment.id.desc())
        )
        found |= set(_first_distinct(session.scalars(query), 2))
    return found


def _first_distinct(values: Iterable[int], count: int) -> list[int]:
    seen: dict[int, None] = {}
    for value in values:
        seen[value] = None
        if len(seen) == count:
            break
    return list(seen)


def _needed_files(session: Session, going: set[int]) -> Iterable[str]:
    """Return the files of all runs that stay, also those a skipped stage stands for."""
    rows = select(Artefact.sha256, StageResult.run_id).join(StageResult).join(Run)
    for sha256, run_id in session.execute(rows.where(Run.pruned_at.is_(None))):
        if run_id not in going:
            yield sha256
    skipped = aliased(StageResult)
    borrowed = (
        select(Artefact.sha256, skipped.run_id)
        .join(skipped, Artefact.stage_id == skipped.borrowed_id)
        .join(Run, Run.id == skipped.run_id)
        .where(Run.pruned_at.is_(None))
    )
    for sha256, run_id in session.execute(borrowed):
        if run_id not in going:
            yield sha256
