"""Prune artefacts and published folders, and report the result."""

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

__all__ = ["NotRemoved", "among", "as_facts", "mark", "remove"]

_DAY = 86400


class NotRemoved(SlipwayError):
    """A published folder could not be removed; the message names it and the reason."""


def among(projects: Mapping[str, Project], asked: str | None) -> dict[str, Project]:
    """Return all projects; those not to be pruned without `keep`, so that they keep everything.

    All are needed since they share the store: a file may belong to another project as well.

    Args:
        projects: The site's projects.
        asked: The project to prune. None: all projects.

    Raises:
        WrongInput: None of the projects to prune has `keep`.
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
    """Mark the runs that can go with `retention.mark`, unless a backup is running.

    Raises:
        StoreError: A backup is running; nothing was changed.
    """
    with store.held(0):
        return retention.mark(session, projects, store)


def as_facts(
    found: Prunable, projects: Mapping[str, Project], asked: str | None, size: int, *, dry_run: bool
) -> dict[str, Any]:
    """Return the result as facts for JSON: what is deleted, what is kept and why."""
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
    """Return a sentence about what a project's `keep` keeps."""
    # Imported late: the master needs it at most once a day.
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
    """Delete marked files and published folders.

    Args:
        store: The artefact store.
        found: The result of `pruning.mark`, after its transaction was committed.
        patience: Seconds to wait for the end of a backup.

    Returns:
        The number of bytes freed.

    Raises:
        StoreError: A backup is running. The next pruning deletes what is left.
        NotRemoved: A folder could not be removed.
    """
    # Imported late: the master needs it at most once a day.
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
