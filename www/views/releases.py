"""Show releases: their contents, and the environments where they run."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from slipway.ledger.records.deployments import standing
from slipway.ledger.records.releases import listed_releases
from slipway.ledger.tables import runs as tables
from slipway.ledger.tables.runs import Run, StageResult
from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.base import Listing
from slipway.www.shapes.files import Artefact
from slipway.www.shapes.runs import Deployed, Release, ReleasesQuery
from slipway.www.views.files import artefact, in_release

__all__ = ["list_releases", "shape", "show_release"]


async def list_releases(call: Call) -> Listing[Release]:
    """Answer GET releases."""
    if call.query.project is not None:
        call.outline(call.query.project)
    return await call.read(_list, call.query)


async def show_release(call: Call) -> Release:
    """Answer GET releases/ID."""
    return await call.read(_show, int(call.path["id"]))


def _show(session: Session, number: int) -> Release:
    release = session.scalar(_statement().where(tables.Release.id == number))
    if release is None:
        raise not_found(f"there is no release {number}")
    return shape(session, [release])[0]


def _list(session: Session, query: ReleasesQuery) -> Listing[Release]:
    wanted = _statement().order_by(tables.Release.id.desc())
    if query.before is not None:
        wanted = wanted.where(tables.Release.id < query.before)
    if query.project is not None:
        wanted = wanted.where(Run.project == query.project)
    if query.text:
        inside = (tables.Release.version, Run.subject, Run.branch)
        matches = [one.icontains(query.text, autoescape=True) for one in inside]
        begins = Run.revision.startswith(query.text.lower(), autoescape=True)
        hashed = tables.Release.manifest_sha256 == query.text.lower()
        wanted = wanted.where(or_(*matches, begins, hashed))
    found = list(session.scalars(wanted.limit(query.limit + 1)))
    rows, more = found[: query.limit], len(found) > query.limit
    return Listing[Release](items=shape(session, rows), next=rows[-1].id if more else None)


def _statement() -> Select[Any]:
    row = tables.Release
    return select(row).join(row.run).options(contains_eager(row.run))


def shape(session: Session, rows: Sequence[tables.Release]) -> list[Release]:
    """Return releases as shapes."""
    reports = _reports(session, [row.run_id for row in rows])
    where = defaultdict(list)
    for one in standing(session) if rows else []:
        at = one.finished_at or one.started_at
        deployed = Deployed(environment=one.environment, at=at, person=one.person)
        where[one.release_id].append(deployed)
    return [
        Release.extend(
            record,
            artefacts=[in_release(kept) for kept in row.artefacts],
            reports=reports[row.run_id],
            deployed=where[row.id],
            verify=f"slipway verify {shlex.quote(row.place)}",
        )
        for row, record in zip(rows, listed_releases(session, rows), strict=True)
    ]


def _reports(session: Session, runs: Sequence[int]) -> dict[int, list[Artefact]]:
    query = (
        select(StageResult)
        .where(
            StageResult.run_id.in_(runs),
            StageResult.stale.is_(False),
            StageResult.rollback.is_(False),
        )
        .options(selectinload(StageResult.artefacts))
        .order_by(StageResult.id)
    )
    newest = {}
    for stage in session.scalars(query):
        newest[stage.run_id, stage.name, stage.cell] = stage
    found: dict[int, list[Artefact]] = defaultdict(list)
    for (run_id, _, _), stage in newest.items():
        found[run_id] += [artefact(one, stage) for one in stage.artefacts if one.role == "report"]
    return found
