"""List, resend and discard deliveries, and forget old ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from slipway.ledger.audit.chain import note
from slipway.ledger.tables.outbox import Delivery, OutboxNotice
from slipway.ledger.transitions import transition
from slipway.model.errors import WrongInput
from slipway.model.notices.delivery import OPEN, DeliveryState
from slipway.model.notices.events import Event
from slipway.model.records.delivery import DeliveryRecord

__all__ = ["bury", "discard", "forget_old", "list_deliveries", "read_delivery", "resend"]

_AGAIN = (DeliveryState.DEAD, DeliveryState.FAILED, DeliveryState.MUTED, DeliveryState.WAITING)
_TITLE = "facts alone so far"


def list_deliveries(
    session: Session,
    *,
    states: Sequence[DeliveryState] = (),
    channel: str = "",
    person: str = "",
    before: int | None = None,
    most: int = 100,
) -> list[DeliveryRecord]:
    """Return deliveries, the newest first.

    Args:
        session: The transaction.
        states: The states. None given: all.
        channel: The channel. Empty: all.
        person: The recipient. Empty: all.
        before: Only those with smaller ids.
        most: Maximum number.
    """
    query = select(Delivery, OutboxNotice).join(OutboxNotice)
    if states:
        query = query.where(Delivery.state.in_(states))
    if channel:
        query = query.where(Delivery.channel == channel)
    if person:
        query = query.where(Delivery.person == person)
    if before is not None:
        query = query.where(Delivery.id < before)
    found = session.execute(query.order_by(Delivery.id.desc()).limit(most))
    return [_record(delivery, notice) for delivery, notice in found]


def read_delivery(session: Session, number: int) -> tuple[DeliveryRecord, dict[str, Any]]:
    """Return a delivery, and the notice as the channel gets it.

    Raises:
        WrongInput: There is none of that number.
    """
    row = _find(session, number)
    return _record(row, row.notice), dict(row.notice.body or {})


def resend(session: Session, numbers: Sequence[int], now: float) -> int:
    """Have deliveries sent again, dead letters and those that wait for their next try.

    Raises:
        WrongInput: One does not exist, or was sent or gathered.
    """
    rows = [_find(session, number) for number in numbers]
    for row in rows:
        if row.state not in _AGAIN:
            msg = f"delivery {row.id} is {row.state}; only what is {', '.join(_AGAIN)} is resent"
            raise WrongInput(msg)
    for row in rows:
        _note(session, "resend", row)
        transition(row, DeliveryState.WAITING, "a person resends it", now)
        row.due_at = now
        # Its days of patience begin anew.
        row.made_at, row.digest = now, ""
    session.flush()
    return len(rows)


def discard(session: Session, numbers: Sequence[int], now: float) -> int:
    """End deliveries without sending them.

    Raises:
        WrongInput: One does not exist, or was sent, gathered or muted.
    """
    rows = [_find(session, number) for number in numbers]
    for row in rows:
        if row.state not in (*OPEN, DeliveryState.DEAD):
            msg = f"delivery {row.id} is {row.state}; only what waits or is dead is discarded"
            raise WrongInput(msg)
    for row in rows:
        _note(session, "discard", row)
        transition(row, DeliveryState.MUTED, "a person discards it", now)
        row.text = "discarded"
    session.flush()
    return len(rows)


def forget_old(session: Session, before: float) -> int:
    """Delete the notices of long ago of which nothing waits and no letter is dead.

    Returns:
        How many.
    """
    kept = select(Delivery.notice_id).where(Delivery.state.in_((*OPEN, DeliveryState.DEAD)))
    old = select(OutboxNotice.id).where(
        OutboxNotice.at < before,
        OutboxNotice.described_at.is_not(None),
        OutboxNotice.id.not_in(kept),
    )
    ids = list(session.scalars(old.limit(500)))
    session.execute(delete(Delivery).where(Delivery.notice_id.in_(ids)))
    session.execute(delete(OutboxNotice).where(OutboxNotice.id.in_(ids)))
    return len(ids)


def bury(session: Session, channels: Sequence[str], before: float, now: float) -> int:
    """Make dead letters of what waits for a channel that pipeline.toml has not any more.

    Returns:
        How many.
    """
    text = "there is no such channel in pipeline.toml any more; resend it when there is"
    done = session.execute(
        update(Delivery)
        .where(
            Delivery.channel.not_in(channels), Delivery.state.in_(OPEN), Delivery.made_at < before
        )
        .values(state=DeliveryState.DEAD, text=text, ended_at=now, leased_at=None)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _find(session: Session, number: int) -> Delivery:
    row = session.get(Delivery, number)
    if row is None:
        msg = f"there is no delivery {number}; slipway outbox lists them"
        raise WrongInput(msg)
    return row


def _note(session: Session, action: str, row: Delivery) -> None:
    to = f" to {row.person}" if row.person else ""
    summary = f"{row.notice.event} by {row.channel}{to}"
    note(session, action, "delivery", row.id, project=row.notice.project, summary=summary)


def _record(row: Delivery, notice: OutboxNotice) -> DeliveryRecord:
    body = notice.body or {}
    return DeliveryRecord(
        id=row.id,
        notice=notice.key,
        event=Event(notice.event),
        project=notice.project,
        title=body.get("title", _TITLE),
        at=notice.at,
        channel=row.channel,
        person=row.person,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        ended_at=row.ended_at,
        text=row.text,
    )
