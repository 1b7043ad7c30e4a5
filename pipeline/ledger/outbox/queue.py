"""The queue of deliveries: what is described, given to senders, and recorded as ended.

Every function works in the caller's transaction. One master has the outbox: what is leased at its
start was leased by one that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, aliased

from slipway.ledger.outbox import digests
from slipway.ledger.tables.outbox import Delivery, OutboxNotice
from slipway.ledger.transitions import transition
from slipway.model.notices.delivery import OPEN, DeliveryState

__all__ = [
    "PATIENCE",
    "PAUSES",
    "Answer",
    "Leased",
    "Plan",
    "Undescribed",
    "due_by_channel",
    "free_leases",
    "lease",
    "next_due",
    "record",
    "store",
    "undescribed",
]

#: Seconds before each further try.
PAUSES = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0)
#: Seconds after which a delivery that was never taken becomes a dead letter.
PATIENCE = 3 * 86400.0
_MINUTE = 60.0
_LONGEST = 1000


@dataclass(frozen=True)
class Undescribed:
    """A notice of which the facts of its transaction alone are known."""

    id: int
    key: str
    event: str
    project: str
    at: float
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A delivery to be made."""

    channel: str
    person: str = ""
    state: DeliveryState = DeliveryState.WAITING
    due_at: float = 0.0
    digest: str = ""
    text: str = ""


@dataclass(frozen=True)
class Leased:
    """A delivery that a sender has got."""

    id: int
    channel: str
    person: str
    attempts: int
    made_at: float
    thread: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """How a try went."""

    delivery: int
    state: DeliveryState
    """sent, failed, dead; waiting: it was not tried."""
    text: str = ""
    after: float | None = None
    """Seconds until the next try. None: by the number of tries."""
    at: float = 0.0


def undescribed(session: Session, most: int) -> list[Undescribed]:
    """Return the oldest notices that have no description yet."""
    row = OutboxNotice
    query = select(row.id, row.key, row.event, row.project, row.at, row.facts)
    query = query.where(row.described_at.is_(None)).order_by(row.id).limit(most)
    return [Undescribed(*found) for found in session.execute(query)]


def store(
    session: Session, notice: int, body: Mapping[str, Any], plans: Iterable[Plan], now: float
) -> int:
    """Keep a notice's description and make its deliveries; nothing if that is done already.

    Returns:
        The number of deliveries.
    """
    row = OutboxNotice
    done = session.execute(
        update(row)
        .where(row.id == notice, row.described_at.is_(None))
        .values(body=dict(body), described_at=now)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return 0
    made = [_delivery(notice, body, plan, now) for plan in plans]
    if made:
        session.execute(insert(Delivery), made)
    return len(made)


def _delivery(notice: int, body: Mapping[str, Any], plan: Plan, now: float) -> dict[str, Any]:
    return {
        "notice_id": notice,
        "channel": plan.channel,
        "person": plan.person,
        "thread": body.get("thread", ""),
        "topic": body.get("topic", ""),
        "state": plan.state,
        "digest": plan.digest,
        "attempts": 0,
        "made_at": now,
        "due_at": max(now, plan.due_at),
        "ended_at": None if plan.state in OPEN else now,
        "text": plan.text[:_LONGEST],
    }


def free_leases(session: Session) -> int:
    """Give back what a master had leased when it ended; it may have been sent.

    Returns:
        How many.
    """
    freed = session.execute(
        update(Delivery)
        .where(Delivery.leased_at.is_not(None))
        .values(leased_at=None, attempts=Delivery.attempts + 1)
    )
    return int(freed.rowcount)  # type: ignore[attr-defined]


def lease(
    session: Session, channel: str, now: float, most: int, a_minute: int, *, latest: bool = False
) -> list[Leased]:
    """Give what is due to a channel's sender, in the order in which it happened.

    Args:
        session: The transaction.
        channel: The notifier's name.
        now: Seconds since 1970.
        most: Maximum number.
        a_minute: So many may be sent a minute; what is above becomes one digest a recipient, or
            waits if only the latest is sent.
        latest: Whether only the latest of a thread and topic is sent.
    """
    if latest:
        _mute_older(session, channel, now)
    digests.gather_due(session, channel, now)
    allowed = a_minute - _sent_since(session, channel, now - _MINUTE)
    if allowed <= 0:
        return []
    # A channel that shows the latest alone makes nothing of a digest: what is above waits.
    if not latest and _count_due(session, channel, now) > allowed:
        digests.gather_above(session, channel, now, allowed)
    query = _due(channel, now).join(OutboxNotice, OutboxNotice.id == Delivery.notice_id)
    columns = (
        *(Delivery.id, Delivery.channel, Delivery.person, Delivery.attempts),
        *(Delivery.made_at, Delivery.thread, OutboxNotice.body),
    )
    query = query.with_only_columns(*columns).order_by(Delivery.id).limit(min(most, allowed))
    found = [Leased(*row) for row in session.execute(query)]
    ids = [one.id for one in found]
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(leased_at=now))
    return found


def _due(channel: str, now: float) -> Any:
    """Return the select of what may be sent: nothing passes another of its thread."""
    before = aliased(Delivery)
    is_held = (
        select(before.id)
        .where(
            before.channel == channel,
            before.person == Delivery.person,
            before.thread == Delivery.thread,
            before.id < Delivery.id,
            (before.state == DeliveryState.FAILED) | before.leased_at.is_not(None),
        )
        .exists()
    )
    return select(Delivery.id).where(
        Delivery.channel == channel,
        Delivery.state.in_(OPEN),
        Delivery.digest == "",
        Delivery.leased_at.is_(None),
        Delivery.due_at <= now,
        (Delivery.thread == "") | ~is_held,
    )


def _count_due(session: Session, channel: str, now: float) -> int:
    return session.scalar(select(func.count()).select_from(_due(channel, now).subquery())) or 0


def _sent_since(session: Session, channel: str, since: float) -> int:
    """Return how many were sent, or are being sent."""
    of_channel = select(func.count(Delivery.id)).where(Delivery.channel == channel)
    sent = of_channel.where(Delivery.state == DeliveryState.SENT, Delivery.ended_at > since)
    leased = of_channel.where(Delivery.state.in_(OPEN), Delivery.leased_at.is_not(None))
    return (session.scalar(sent) or 0) + (session.scalar(leased) or 0)


def _mute_older(session: Session, channel: str, now: float) -> None:
    newer = aliased(Delivery)
    older = select(Delivery.id).where(
        Delivery.channel == channel,
        Delivery.state.in_(OPEN),
        Delivery.leased_at.is_(None),
        Delivery.topic != "",
        select(newer.id)
        .where(
            newer.channel == channel,
            newer.person == Delivery.person,
            newer.thread == Delivery.thread,
            newer.topic == Delivery.topic,
            newer.id > Delivery.id,
        )
        .exists(),
    )
    ids = list(session.scalars(older))
    values = {"ended_at": now, "text": "a newer one took its place"}
    muted = update(Delivery).where(Delivery.id.in_(ids))
    session.execute(muted.values(state=DeliveryState.MUTED, **values))


def record(session: Session, answers: Iterable[Answer], now: float) -> None:
    """Record how tries went; of a delivery that has ended meanwhile nothing changes."""
    known = {one.delivery: one for one in answers}
    query = select(Delivery).where(Delivery.id.in_(known), Delivery.state.in_(OPEN))
    for row in session.scalars(query):
        answer = known[row.id]
        row.leased_at = None
        if answer.state == DeliveryState.WAITING:
            row.due_at = now + (answer.after or 0.0)
            continue
        row.attempts += 1
        row.text = answer.text[:_LONGEST]
        state = answer.state
        if state == DeliveryState.FAILED:
            pause = PAUSES[min(row.attempts, len(PAUSES)) - 1]
            # At least the pause that a server asks for, but not for ever.
            row.due_at = now + min(max(pause, answer.after or 0.0), 86400.0)
            if now - row.made_at > PATIENCE:
                state = DeliveryState.DEAD
        transition(row, state, "its channel has answered", answer.at or now)


def next_due(session: Session, now: float) -> float | None:
    """Return when the next delivery with nobody is due; None if there is none."""
    found = due_by_channel(session)
    return max(min(found.values()), now) if found else None


def due_by_channel(session: Session) -> dict[str, float]:
    """Return when the next delivery with nobody is due, by channel."""
    query = select(Delivery.channel, func.min(Delivery.due_at)).where(
        Delivery.state.in_(OPEN), Delivery.leased_at.is_(None)
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(Delivery.channel))}
