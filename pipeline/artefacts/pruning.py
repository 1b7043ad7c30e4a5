"""Pruning: which projects, what is removed from store and folders, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from slipway.artefacts.store import Store
from slipway.ledger import retention
from slipway.ledger.retention import Prunable
from slipway.model.duration import format_duration
from slipway.model.errors import SlipwayError, WrongInput
from slipway.model.site import Keep, Project

_DAY = 86400


class NotRemoved(SlipwayError):
    """A published folder that could not be removed: which and why."""


def among(projects: Mapping[str, Project], asked: str | None) -> dict[str, Project]:
    """Return all projects, as those keep that are not asked for: everything.

    They share the store: what another one needs must be known, too.

    Args:
        projects: The site's.
        asked: The project to prune; None: all of them.

    Raises:
        WrongInput: None of those that are asked for says how long to keep.
    """
    wanted = [name for name in projects if asked in {None, name}]
    if not any(projects[name].keep for name in wanted):
        msg = f"no project says how long to keep; write [project.{next(iter(wanted))}.keep]"
        raise WrongInput(msg)
    return {
        name: project if name in wanted else project.model_copy(update={"keep": None})
        for name, project in projects.items()
    }


def mark(session: Session, projects: dict[str, Project], store: Store) -> Prunable:
    """Mark what can go, as `pruning.mark` does, unless a backup is being made.

    Raises:
        StoreError: It is; nothing was changed.
    """
    with store.held(0):
        return retention.mark(session, projects, store)


def told(
    found: Prunable, projects: Mapping[str, Project], asked: str | None, size: int, *, dry_run: bool
) -> dict[str, Any]:
    """Return what goes or has gone, and what stays and why, as facts for JSON."""
    return {
        "dry_run": dry_run,
        "runs": [
            {"project": project, "number": number, "version": version}
            for project, number, version in found.runs
        ],
        "releases": [
            {"project": one.project, "version": one.version, "place": str(one.path)}
            for one in found.folders
        ],
        "files": len(found.files),
        "size": size,
        "rules": [
            {"project": name, "text": _rule(name, project.keep)}
            for name, project in projects.items()
            if asked in {None, name}
        ],
        "kept": [
            {"project": project, "what": what, "why": why}
            for project, what, why in found.kept
            if asked in {None, project}
        ],
        "young": found.young,
    }


def _rule(name: str, keep: Keep | None) -> str:
    """Say what stays by the project's own words."""
    # Loaded by the master once a day at most.
    from slipway.scripts.humanize import count_text

    if keep is None:
        return f"{name} keeps everything: it has no [project.{name}.keep]"
    words = f"the newest {count_text(keep.runs, 'run')}"
    if keep.releases is not None:
        words += f", the newest {count_text(keep.releases, 'release')}"
    days, rest = divmod(keep.age, _DAY)
    age = format_duration(keep.age) if rest else count_text(days, "day")
    return f"{name} keeps {words}, as keep says, and what is younger than {age}"


def remove(store: Store, found: Prunable, patience: float = 0.0) -> int:
    """Remove what was marked, files and published folders.

    Args:
        store: The artefact store.
        found: What `pruning.mark` has returned, committed since.
        patience: Seconds to wait for a backup to end.

    Returns:
        The bytes that the disk has got back.

    Raises:
        StoreError: A backup is being made. What is left goes with the next pruning.
        NotRemoved: A folder could not be removed.
    """
    # Loaded by the master once a day at most.
    from slipway.scripts.stages.publish.index import forget

    with store.held(patience):
        freed = retention.remove(store, found)
        for one in found.folders:
            size = retention.freed_by(one.path)
            try:
                forget(one.path.parent, one.path.name)
            except OSError as error:
                msg = f"{one.path} cannot be removed: {error.strerror}; remove it by hand"
                raise NotRemoved(msg) from None
            freed += size
    return freed
