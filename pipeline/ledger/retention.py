"""Retention: select the artefacts and published folders to delete according to `keep`.

A pruned run stays in the ledger with all its records; its files are deleted from the store. Never
pruned: the current and the previous release of each environment, runs that are active or wait at a
gate, the newest release of each branch, what channels point at or would fall back to, blocked
releases, and the source of a skipped stage of a run that stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from slipway.artefacts.store import Store
from slipway.ledger import deployments
from slipway.ledger.audit import chain
from slipway.ledger.releases import channels
from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.runs import Artefact, Release, Run, StageResult
from slipway.model.site import Keep, Project
from slipway.model.states import OPEN_RUN, STANDING, UNDECIDED, DeploymentState

__all__ = [
    "Folder",
    "Prunable",
    "find",
    "freed_by",
    "mark",
    "named_among",
    "protected_versions",
    "remove",
]

_DAY = 86400.0
#: Younger files may belong to a running stage whose artefacts are not recorded yet.
_YOUNG = _DAY
_MANIFEST = "release.json"
#: Files that are looked up at once: databases limit the parameters of a query.
_AT_ONCE = 500
#: Size limit of a manifest in bytes; larger files are not ours.
_LONGEST = 64_000_000
#: The folder may be writable by another user: do not follow links, do not block on pipes.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Folder:
    """The published folder of a release."""

    project: str
    version: str
    path: Path


@dataclass
class Prunable:
    """Result of a search: what can be deleted, and what is kept with the reason."""

    runs: list[tuple[str, int, str]] = field(default_factory=list)
    """Project, number and version of each run."""
    files: list[str] = field(default_factory=list)
    """The SHA-256 of each file that nothing references any more."""
    folders: list[Folder] = field(default_factory=list)
    """The published folders to delete."""
    size: int = 0
    """Bytes that are freed on the disk; files with other hard links free none."""
    kept: list[tuple[str, str, str]] = field(default_factory=list)
    """Old items that are kept: the project, the run or release, and the reason."""
    young: int = 0
    """Number of unreferenced files that are less than a day old, and therefore kept."""


def find(session: Session, projects: dict[str, Project], store: Store, now: float) -> Prunable:
    """Return what can be deleted according to each project's `keep`; change nothing.

    Args:
        session: The transaction.
        projects: The projects by name; one without `keep` keeps everything.
        store: The artefact store.
        now: Seconds since 1970.
    """
    found = Prunable()
    going: set[int] = set()
    for name, project in projects.items():
        if project.keep is None:
            continue
        needed = _protected(session, name)
        for run in _old_runs(session, name, project.keep, now):
            if run.id in needed:
                found.kept.append((name, f"run {run.number}", needed[run.id]))
                continue
            going.add(run.id)
            found.runs.append((name, run.number, run.version))
        _find_folders(session, (name, project.keep), needed, now, found)
    _find_files(set(_needed_files(session, going)), store, now, found)
    return found


def protected_versions(session: Session, project: str) -> tuple[str, ...]:
    """Return the versions of the releases that stay wherever they are, however old, in order."""
    needed = select(Release.version).where(Release.run_id.in_(list(_protected(session, project))))
    return tuple(sorted(set(session.scalars(needed))))


def named_among(session: Session, hashes: Collection[str]) -> set[str]:
    """Return those of some files that are artefacts of any run, pruned or not."""
    wanted = list(hashes)
    found: set[str] = set()
    for at in range(0, len(wanted), _AT_ONCE):
        query = select(Artefact.sha256).where(Artefact.sha256.in_(wanted[at : at + _AT_ONCE]))
        found.update(session.scalars(query))
    return found


def mark(session: Session, projects: dict[str, Project], store: Store) -> Prunable:
    """Mark runs as pruned; the caller deletes files and folders after the commit.

    If the process is killed in between, the next pruning deletes the remaining files.
    """
    found = find(session, projects, store, now := time.time())
    for name, number, _ in found.runs:
        run = session.scalar(select(Run).where(Run.project == name, Run.number == number))
        if run is not None:
            run.pruned_at = now
    if found.runs or found.files or found.folders:
        counts = f"{len(found.runs)} runs, {len(found.files)} files, {len(found.folders)} releases"
        facts = {
            "bytes": found.size,
            "runs": [f"{name} {number}" for name, number, _ in found.runs],
            "releases": [f"{one.project} {one.version}" for one in found.folders],
        }
        chain.note(session, "prune", "store", summary=f"pruned: {counts}", facts=facts)
    return found


def remove(store: Store, found: Prunable) -> int:
    """Delete the files of a marking, except those stored again since.

    Returns:
        The number of bytes freed.
    """
    freed = 0
    for sha256 in found.files:
        path = store.path(sha256)
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        if time.time() - stat.st_mtime > _YOUNG:
            path.unlink()
            freed += stat.st_size if stat.st_nlink == 1 else 0
    return freed


def freed_by(folder: Path) -> int:
    """Return the number of bytes that deleting a folder frees."""
    found, folders = 0, [] if folder.is_symlink() else [str(folder)]
    while folders:
        # Unreadable or too deeply nested folders of the publishing user are not counted.
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for one in entries:
                if one.is_dir(follow_symlinks=False):
                    folders.append(one.path)
                else:
                    found += _freed(Path(one.path))
    return found


def _old_runs(session: Session, project: str, keep: Keep, now: float) -> list[Run]:
    newest = session.scalar(select(func.max(Run.number)).where(Run.project == project)) or 0
    query = select(Run).where(
        Run.project == project,
        Run.number <= newest - keep.runs,
        Run.started_at < now - keep.age,
        Run.pruned_at.is_(None),
    )
    return list(session.scalars(query.order_by(Run.number)))


def _protected(session: Session, project: str) -> dict[int, str]:
    """Return the ids of the runs that are kept whatever their age, with the reason."""
    of = Run.project == project
    at_work = select(Run.id).where(of, Run.state.in_(OPEN_RUN))
    last = select(func.max(Release.run_id), Run.branch).join(Run).where(of).group_by(Run.branch)
    waiting = select(Gate.run_id, Gate.stage).join(Run).where(of, Gate.state.in_(UNDECIDED))
    found = {int(run_id): f"the newest release of {name}" for run_id, name in session.execute(last)}
    found |= channels.kept(session, project)
    found |= dict.fromkeys(session.scalars(at_work), "it is at work")
    found |= {run_id: f"it waits at the gate {name}" for run_id, name in session.execute(waiting)}
    found |= _asked_for(session, project)
    places = select(Deployment.environment).where(Deployment.project == project).distinct()
    for environment in session.scalars(places):
        # The current release, and the one that a rollback would deploy.
        query = (
            select(Release.run_id)
            .join(Deployment, Deployment.release_id == Release.id)
            .where(
                Deployment.project == project,
                Deployment.environment == environment,
                Deployment.state.in_((*STANDING, DeploymentState.RUNNING)),
            )
            .order_by(Deployment.id.desc())
        )
        for run_id, word in zip(
            _first_distinct(session.scalars(query), 2), ("runs", "ran"), strict=False
        ):
            before = " before" if word == "ran" else ""
            found[run_id] = f"{environment} {word} it{before}"
    return found


def _asked_for(session: Session, project: str) -> dict[int, str]:
    """Return the runs whose releases undecided or waiting gates are about, with the reason."""
    query = select(Gate).join(Run).where(Run.project == project, Gate.state.in_(UNDECIDED))
    found: dict[int, str] = {}
    for gate in session.scalars(query):
        why = f"it waits at the gate {gate.stage}"
        if (own := deployments.release_of(session, gate.run)) is not None:
            found[own.run_id] = why
        named = [value for value in gate.values.values() if isinstance(value, str)]
        asked = (
            select(Release.run_id)
            .join(Run)
            .where(Run.project == project, Release.version.in_(named))
        )
        found |= dict.fromkeys(session.scalars(asked), why)
    return found


def _find_folders(
    session: Session,
    kept: tuple[str, Keep],
    needed: dict[int, str],
    now: float,
    found: Prunable,
) -> None:
    """Find published folders to delete: on this machine, with the recorded manifest."""
    project, keep = kept
    if keep.releases is None:
        return
    query = select(Release).join(Run).where(Run.project == project).order_by(Release.run_id.desc())
    there = [one for one in session.scalars(query) if _is_there(one)]
    for release in there[keep.releases :]:
        path = Path(release.place)
        title = f"release {release.version}"
        if release.published_at >= now - keep.age:
            continue
        if release.run_id in needed:
            found.kept.append((project, title, needed[release.run_id]))
        elif os.path.realpath(path.parent / "latest") == os.path.realpath(path):
            found.kept.append((project, title, "it is the latest"))
        else:
            found.folders.append(Folder(project, release.version, path))
            found.size += freed_by(path)


def _is_there(release: Release) -> bool:
    try:
        opened = os.open(Path(release.place, _MANIFEST), _FLAGS)
        with os.fdopen(opened, "rb") as stream:
            facts = os.fstat(opened)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LONGEST:
                return False
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return False
    return found == release.manifest_sha256


def _find_files(needed: set[str], store: Store, now: float, found: Prunable) -> None:
    for path in store.files():
        sha256 = path.parent.name + path.name
        if sha256 in needed:
            continue
        if now - path.stat().st_mtime > _YOUNG:
            found.files.append(sha256)
            found.size += _freed(path)
        else:
            found.young += 1


def _freed(path: Path) -> int:
    facts = path.lstat()
    return facts.st_size if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 else 0


def _first_distinct(values: Iterable[int], count: int) -> list[int]:
    seen: dict[int, None] = {}
    for value in values:
        seen[value] = None
        if len(seen) == count:
            break
    return list(seen)


def _needed_files(session: Session, going: set[int]) -> Iterable[str]:
    """Yield the files of all runs that stay, including those borrowed by skipped stages."""
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
