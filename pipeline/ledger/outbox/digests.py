"""Digests: many deliveries to one recipient become one notice.

It is a notice of its own, made in the transaction in which the others become `gathered`: each is in
one digest or waits, whenever the master ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from slipway.ledger.tables.outbox import Delivery, OutboxNotice
from slipway.model.notices.delivery import OPEN, DeliveryState
from slipway.model.notices.details import MOST_NOTICES, Told
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice

__all__ = ["gather_above", "gather_due"]


def gather_due(session: Session, channel: str, now: float) -> None:
    """Make the digests of a channel whose day or week has ended."""
    _gather(session, channel, now, _waiting(channel, now).where(Delivery.digest != ""))


def gather_above(session: Session, channel: str, now: float, allowed: int) -> None:
    """Make one digest for each recipient of what is above the number that may be sent now.

    Args:
        session: The transaction.
        channel: The notifier's name.
        now: Seconds since 1970.
        allowed: So many may be sent now, the digests among them.
    """
    due = _waiting(channel, now).where(Delivery.digest == "", Delivery.leased_at.is_(None))
    persons = len(set(session.scalars(due.with_only_columns(Delivery.person))))
    singly = max(0, allowed - persons)
    _gather(session, channel, now, due.order_by(Delivery.id).offset(singly))


def _waiting(channel: str, now: float) -> Any:
    return select(Delivery.id).where(
        Delivery.channel == channel, Delivery.state.in_(OPEN), Delivery.due_at <= now
    )


def _gather(session: Session, channel: str, now: float, query: Any) -> None:
    columns = (Delivery.id, Delivery.person, OutboxNotice.event, OutboxNotice.body)
    query = query.join(OutboxNotice, OutboxNotice.id == Delivery.notice_id)
    found = session.execute(query.with_only_columns(*columns).order_by(Delivery.id)).all()
    by_person: dict[str, list[Any]] = defaultdict(list)
    for row in found:
        by_person[row.person].append(row)
    for person, rows in by_person.items():
        ids = [row.id for row in rows]
        if len(rows) == 1:
            _change(session, ids, digest="")
            continue
        notice = _add(session, channel, rows, now)
        _change(
            session,
            ids,
            state=DeliveryState.GATHERED,
            digest_id=notice,
            digest="",
            ended_at=now,
            text="it is in a digest",
        )
        made = {"notice_id": notice, "channel": channel, "person": person, "text": ""}
        made |= {"thread": "", "topic": "", "digest": "", "attempts": 0}
        times = {"made_at": now, "due_at": now, "state": DeliveryState.WAITING}
        session.execute(insert(Delivery), [made | times])


def _change(session: Session, ids: Sequence[int], **values: Any) -> None:
    # SQLite limits the parameters of a statement.
    for first in range(0, len(ids), 500):
        part = ids[first : first + 500]
        session.execute(update(Delivery).where(Delivery.id.in_(part)).values(**values))


def _add(session: Session, channel: str, rows: Sequence[Any], now: float) -> int:
    # A digest among them stands for more than itself.
    inside = [one for row in rows for one in _told(row)]
    more = sum(row.body.get("left_out", 0) for row in rows)
    shown = inside[-MOST_NOTICES:]
    notice = Notice(
        id=f"digest-{channel}-{rows[0].id}",
        event=Event.DIGEST,
        title=f"{len(inside) + more} notices{_of(rows)}",
        at=now,
        url=shown[-1].url,
        notices=tuple(shown),
        left_out=len(inside) + more - len(shown),
    )
    body = notice.model_dump(mode="json", by_alias=True)
    row = OutboxNotice(
        key=notice.id,
        event=Event.DIGEST.value,
        project="",
        subject="",
        at=now,
        facts={},
        body=body,
        described_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def _told(row: Any) -> Iterable[Told]:
    if row.event == Event.DIGEST.value:
        return [Told.model_validate(one) for one in row.body["notices"]]
    names = ("id", "event", "title", "at", "url")
    return [Told.model_validate({name: row.body[name] for name in names})]


def _of(rows: Sequence[Any]) -> str:
    projects = sorted({row.body.get("project", "") for row in rows} - {""})
    return f" of {', '.join(projects[:3])}{' and others' if len(projects) > 3 else ''}" * bool(  # noqa: PLR2004
        projects
    )
