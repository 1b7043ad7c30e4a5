"""What the last look at each repository found."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy.orm import Session

from slipway.ledger.tables.runs import Poll


def keep_poll(
    session: Session,
    project: str,
    outcome: str,
    *,
    failed: bool,
    began_at: float | None = None,
    runs: Sequence[int] = (),
) -> None:
    """Write down what a poll found, over what the one before did.

    Args:
        session: The transaction.
        project: The project's name.
        outcome: What it found, as a sentence.
        failed: Whether it could not look.
        began_at: When it began.
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
