"""Read-only queries: publications of releases, with the counts of their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger.tables.publications import Publication, PublishedFile
from slipway.model.records.publication import PublicationRecord
from slipway.model.states import FileState

__all__ = ["of_releases"]

#: How many files are in each state.
_Counts = Mapping[FileState, int]


def of_releases(session: Session, releases: Iterable[int]) -> dict[int, list[PublicationRecord]]:
    """Return the publications of releases, by the releases' ids, in the order of their targets."""
    query = select(Publication).where(Publication.release_id.in_(list(releases)))
    rows = list(session.scalars(query.order_by(Publication.id)))
    counts = _counts(session, [one.id for one in rows])
    found: dict[int, list[PublicationRecord]] = defaultdict(list)
    for one in rows:
        found[one.release_id].append(_record(one, counts[one.id]))
    return found


def _counts(session: Session, ids: list[int]) -> dict[int, dict[FileState, int]]:
    found: dict[int, dict[FileState, int]] = defaultdict(lambda: dict.fromkeys(FileState, 0))
    if ids:
        query = (
            select(PublishedFile.publication_id, PublishedFile.reached, func.count())
            .where(PublishedFile.publication_id.in_(ids))
            .group_by(PublishedFile.publication_id, PublishedFile.reached)
        )
        for number, state, count in session.execute(query):
            found[number][state] = count
    return found


def _record(row: Publication, counts: _Counts) -> PublicationRecord:
    return PublicationRecord(
        target=row.target,
        kind=row.kind,
        state=row.state,
        place=row.place,
        error=row.error,
        files=row.files,
        aside=counts[FileState.STAGED] + counts[FileState.VERIFIED],
        public=counts[FileState.PUBLIC],
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
