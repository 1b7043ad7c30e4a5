"""What the last look at each repository found."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from slipway.ledger.tables import Poll


def keep_poll(session: Session, project: str, outcome: str, *, failed: bool) -> None:
    """Write down what a poll found, over what the one before did."""
    session.merge(Poll(project=project, polled_at=time.time(), outcome=outcome, failed=failed))
