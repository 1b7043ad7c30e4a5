"""Read-only queries: runs with their stages, releases, polls."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import ColumnClause, Engine, column, create_engine, inspect, make_url, select, table
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.pool import NullPool

from slipway.ledger.queue_reasons import why_queued
from slipway.ledger.run_state import counting
from slipway.ledger.tables.runs import REVISION, VERSION_TABLE, Poll, Release, Run
from slipway.model.cell import cell_title
from slipway.model.errors import MissingTool
from slipway.model.site import Site
from slipway.model.states import RunState, StageState


@dataclass(frozen=True)
class StageView:
    """The newest attempt of a stage, or of one of its cells."""

    name: str
    uses: str
    state: StageState
    attempt: int
    summary: str
    exit_code: int | None
    worker: str
    started_at: float | None
    finished_at: float | None
    cell: str = ""
    queued_at: float = 0.0
    """Time when it was queued, or became a gate; seconds since 1970."""
    waits: str = ""
    """The reason why it is queued; empty if it is about to begin."""


@dataclass(frozen=True)
class RunView:
    """A run and its stages."""

    project: str
    number: int
    version: str
    branch: str
    revision: str
    subject: str
    author: str
    trigger: str
    owner: str
    state: RunState
    started_at: float
    finished_at: float | None
    releases: list[str] = field(default_factory=list)
    stages: dict[str, StageView] = field(default_factory=dict)
    """By title; the title of a cell looks like "tests[3.12]"."""


@dataclass(frozen=True)
class ReleaseView:
    """A release and its folder."""

    project: str
    version: str
    run: int
    revision: str
    branch: str
    place: str
    manifest_sha256: str
    published_at: float


@dataclass(frozen=True)
class PollView:
    """The result of the last poll of a repository."""

    project: str
    polled_at: float
    outcome: str
    failed: bool


def open_ledger(url: str) -> Engine | None:
    """Open a ledger read-only; return None if it does not exist or has another schema revision.

    Raises:
        MissingTool: The database cannot be reached, or the file is not a database.
    """
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        if not path.exists():
            return None
        engine = create_engine("sqlite://", creator=lambda: _read_only(path), poolclass=NullPool)
    else:
        engine = create_engine(url, execution_options={"postgresql_readonly": True})
    try:
        return engine if _is_current(engine) else None
    except DatabaseError as error:
        place = make_url(url).render_as_string(hide_password=True)
        why = str(error.orig).strip().splitlines()[0]
        msg = f"the database {place} cannot be read: {why}; restore or start it"
        raise MissingTool(msg) from None


def _is_current(engine: Engine) -> bool:
    """Return whether the tables have the current schema revision; the master upgrades them."""
    if not inspect(engine).has_table(VERSION_TABLE):
        return False
    with engine.connect() as connection:
        number: ColumnClause[str] = column("version_num")
        return connection.scalar(select(number).select_from(table(VERSION_TABLE))) == REVISION


def _read_only(path: Path) -> sqlite3.Connection:
    # Timeout in seconds: the master may hold a lock while it writes.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", timeout=10, uri=True)


def list_runs(
    engine: Engine,
    project: str | None = None,
    limit: int = 20,
    numbers: list[int] | None = None,
    site: Site | None = None,
) -> list[RunView]:
    """Return runs with their stages, newest first.

    Args:
        engine: The ledger.
        project: The project's name. None: all projects.
        limit: Maximum number of runs.
        numbers: Only runs of these numbers.
        site: The site, to explain why stages are queued. None: not explained.
    """
    query = (
        select(Run)
        .options(selectinload(Run.stages), selectinload(Run.releases))
        .order_by(Run.id.desc())
        .limit(limit)
    )
    if project:
        query = query.where(Run.project == project)
    if numbers is not None:
        query = query.where(Run.number.in_(numbers))
    with Session(engine) as session:
        found = list(session.scalars(query))
        queued = why_queued(session, site.project, site.workers) if site else {}
        return [_run(run, queued) for run in found]


def list_releases(engine: Engine, project: str | None = None, limit: int = 20) -> list[ReleaseView]:
    """Return releases, newest first."""
    query = select(Release, Run).join(Run).order_by(Release.id.desc()).limit(limit)
    if project:
        query = query.where(Run.project == project)
    with Session(engine) as session:
        return [_release(release, run) for release, run in session.execute(query)]


def list_polls(engine: Engine) -> dict[str, PollView]:
    """Return the last poll of each project."""
    with Session(engine) as session:
        return {
            poll.project: PollView(poll.project, poll.polled_at, poll.outcome, poll.failed)
            for poll in session.scalars(select(Poll))
        }


def _run(run: Run, queued: Mapping[int, str]) -> RunView:
    return RunView(
        project=run.project,
        number=run.number,
        version=run.version,
        branch=run.branch,
        revision=run.revision,
        subject=run.subject,
        author=run.author,
        trigger=run.trigger,
        owner=run.owner,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        releases=[release.place for release in run.releases],
        stages={
            cell_title(result.name, result.cell): StageView(
                name=result.name,
                cell=result.cell,
                uses=result.uses,
                state=result.state,
                attempt=result.attempt,
                summary=result.summary,
                exit_code=result.exit_code,
                worker=result.worker,
                started_at=result.started_at,
                finished_at=result.finished_at,
                queued_at=result.queued_at,
                waits=queued.get(result.id, ""),
            )
            for result in counting(run).values()
        },
    )


def _release(release: Release, run: Run) -> ReleaseView:
    return ReleaseView(
        project=run.project,
        version=release.version,
        run=run.number,
        revision=run.revision,
        branch=run.branch,
        place=release.place,
        manifest_sha256=release.manifest_sha256,
        published_at=release.published_at,
    )
