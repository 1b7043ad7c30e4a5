"""Show commits between two revisions, from the mirror of a project's repository."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.internet import threads

from slipway.git_mirror import Mirror
from slipway.ledger.tables.runs import Run
from slipway.model.errors import SlipwayError
from slipway.model.records.commit import CommitFacts
from slipway.www.api.call import Call
from slipway.www.shapes.gates import Commits, Since
from slipway.www.views.lookup import find_run

__all__ = ["between", "list_commits"]

_MOST = 100


async def between(
    call: Call, project: str, old: str | None, new: str
) -> tuple[list[CommitFacts], bool]:
    """Return the commits after `old` up to `new`, newest first, and whether there are more.

    Git errors give an empty list, so that pages are shown without commits.
    """
    if old == new:
        return [], False
    mirror = call.scheduler(project).mirror()
    try:
        return await threads.deferToThread(_ask, mirror, old, new)
    except (SlipwayError, OSError):
        return [], False


def _ask(mirror: Mirror, old: str | None, new: str) -> tuple[list[CommitFacts], bool]:
    found = mirror.between(old, new, _MOST + 1)
    shown = found[::-1][:_MOST]
    return shown, len(found) > _MOST


async def list_commits(call: Call) -> Commits:
    """Answer GET runs/PROJECT/NUMBER/commits: those since the previous run on the same branch."""
    outline = call.outline()
    revision, since = await call.read(_span, outline.name, call.path["number"])
    old = since.revision if since else None
    items, more = await between(call, outline.name, old, revision)
    return Commits(items=items, since=since, more=more)


def _span(session: Session, project: str, number: str) -> tuple[str, Since | None]:
    run = find_run(session, project, number)
    query = (
        select(Run.number, Run.version, Run.revision)
        .where(Run.project == project, Run.branch == run.branch, Run.number < run.number)
        .order_by(Run.number.desc())
        .limit(1)
    )
    row = session.execute(query).first()
    since = Since(number=row.number, version=row.version, revision=row.revision) if row else None
    return run.revision, since
