"""Results of the last poll of each repository."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Poll
from slipway.model.records.poll import LastPoll

__all__ = ["keep_poll", "last_polls"]


def keep_poll(
    session: Session,
    project: str,
    outcome: str,
    *,
    failed: bool,
    began_at: float | None = None,
    runs: Sequence[int] = (),
) -> None:
    """Store the result of a poll; it replaces the previous one.

    Args:
        session: The transaction.
        project: The project's name.
        outcome: The result, as a sentence.
        failed: True if the repository could not be polled.
        began_at: Start time, in seconds since 1970.
        runs: The numbers of the runs it started.
    """
    kept = Poll(
        project=project,
        began_at=began_at,
        polled_at=time.time(),
        outcome=outcome,
        failed=failed,
        runs=list(runs),
    )
    session.merge(kept)


def last_polls(session: Session) -> dict[str, LastPoll]:
    """Return the result of the last poll of each project, by project."""
    return {
        row.project: LastPoll(
            began_at=row.began_at,
            at=row.polled_at,
            outcome=row.outcome,
            failed=row.failed,
            runs=row.runs or [],
        )
        for row in session.scalars(select(Poll))
    }
