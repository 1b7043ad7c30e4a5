"""Read-only queries: runs with their stages, releases, polls."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import ColumnClause, Engine, column, create_engine, inspect, make_url, select, table
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.pool import NullPool

from slipway.ledger.polls import last_polls
from slipway.ledger.queue_reasons import why_queued
from slipway.ledger.records.releases import listed_releases
from slipway.ledger.records.runs import attempt_result, run_record
from slipway.ledger.run_state import counting
from slipway.ledger.tables.publications import Publication
from slipway.ledger.tables.runs import REVISION, VERSION_TABLE, Release, Run
from slipway.model.cell import cell_title
from slipway.model.errors import MissingTool
from slipway.model.records.poll import LastPoll
from slipway.model.records.release import ListedRelease
from slipway.model.records.run import ListedRun
from slipway.model.records.stage import ListedStage
from slipway.model.site import Site
from slipway.model.states import PublicationState

__all__ = ["list_polls", "list_releases", "list_runs", "open_ledger", "public_targets"]


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
) -> list[ListedRun]:
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
        return [_listed(run, queued) for run in found]


def list_releases(
    engine: Engine, project: str | None = None, limit: int = 20, version: str | None = None
) -> list[ListedRelease]:
    """Return releases, newest first.

    Args:
        engine: The ledger.
        project: Their project. None: all.
        limit: At most so many.
        version: Their version. None: any.
    """
    query = select(Release).join(Run).order_by(Release.id.desc()).limit(limit)
    if project:
        query = query.where(Run.project == project)
    if version is not None:
        query = query.where(Release.version == version)
    with Session(engine) as session:
        return listed_releases(session, list(session.scalars(query)))


def public_targets(engine: Engine, project: str) -> set[str]:
    """Return the names of the targets where readers see some release of a project."""
    query = (
        select(Publication.target)
        .join(Release)
        .join(Run)
        .where(Run.project == project, Publication.state == PublicationState.PUBLIC)
        .distinct()
    )
    with Session(engine) as session:
        return set(session.scalars(query))


def list_polls(engine: Engine) -> dict[str, LastPoll]:
    """Return the last poll of each project."""
    with Session(engine) as session:
        return last_polls(session)


def _listed(run: Run, queued: Mapping[int, str]) -> ListedRun:
    return ListedRun.extend(
        run_record(run),
        releases=[release.place for release in run.releases],
        stages={
            cell_title(result.name, result.cell): ListedStage.extend(
                attempt_result(result),
                name=result.name,
                cell=result.cell,
                uses=result.uses,
                waits=queued.get(result.id, ""),
            )
            for result in counting(run).values()
        },
    )
