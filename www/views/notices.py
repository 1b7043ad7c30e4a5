"""Show the outbox, and what people have set for their notices."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger.outbox import letters
from slipway.ledger.outbox.rules import read_rules
from slipway.ledger.tables.outbox import Delivery as Row
from slipway.master.notify.service import find_notices
from slipway.model.access import Person, may, refusal
from slipway.model.notices.delivery import OPEN, DeliveryState
from slipway.model.notices.events import ALL, EVENTS
from slipway.model.notices.rules import OwnRules
from slipway.model.people import ADMIN
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused, not_found
from slipway.www.shapes.base import Listing
from slipway.www.shapes.notices import (
    DeliveriesQuery,
    EventKind,
    NoticeChannel,
    NoticeDelivery,
    NoticeSettings,
    WholeDelivery,
)

__all__ = ["list_deliveries", "settings_of", "show_delivery", "show_settings", "whose"]

_ANY = "notice.any"


async def list_deliveries(call: Call) -> Listing[NoticeDelivery]:
    """Answer GET outbox: all for those who may see them, else one's own."""
    person = call.query.person
    if not may(call.person, _ANY):
        if person not in {None, call.person.name}:
            raise Refused(403, refusal(call.person, _ANY))
        person = call.person.name
    return await call.read(_list, call.query, person or "")


def _list(session: Session, query: DeliveriesQuery, person: str) -> Listing[NoticeDelivery]:
    found = letters.list_deliveries(
        session,
        states=[query.state] if query.state is not None else (),
        channel=query.channel or "",
        person=person,
        before=query.before,
        most=query.limit + 1,
    )
    shown = found[: query.limit]
    more = shown[-1].id if len(found) > len(shown) else None
    return Listing[NoticeDelivery](items=[NoticeDelivery.extend(one) for one in shown], next=more)


async def show_delivery(call: Call) -> WholeDelivery:
    """Answer GET outbox/ID."""
    return await call.read(_show, int(call.path["id"]), call.person)


def _show(session: Session, number: int, person: Person) -> WholeDelivery:
    record, body = letters.read_delivery(session, number)
    if record.person != person.name and not may(person, _ANY):
        # Not even whether there is one of that number.
        raise not_found(f"there is no delivery {number}; slipway outbox lists them")
    return WholeDelivery(delivery=NoticeDelivery.extend(record), notice=body)


# ---- rules


def whose(call: Call, person: str | None) -> str:
    """Return whose rules are meant.

    Raises:
        Refused: They are somebody else's and the caller may not, or there is no such person.
    """
    wanted = call.person.name if person is None else person
    if wanted != call.person.name and not may(call.person, _ANY):
        raise Refused(403, refusal(call.person, _ANY))
    people = find_notices(call.master).people
    if wanted not in people and wanted != ADMIN:
        raise not_found(f"there is no [people.{wanted}] in pipeline.toml")
    return wanted


async def show_settings(call: Call) -> NoticeSettings:
    """Answer GET notices/rules."""
    person = whose(call, call.query.person)
    return await settings_of(call, person)


async def settings_of(call: Call, person: str) -> NoticeSettings:
    """Return what a person has set, and what there is to be set."""
    rules, counts = await call.read(_settings, person)
    service = find_notices(call.master)
    settings = service.people.get(person)
    channels = [
        NoticeChannel(
            name=name,
            kind=one.kind,
            to_persons=one.to_persons,
            events=list(one.wanted_events),
            waiting=sum(counts.get((name, state), 0) for state in OPEN),
            dead=counts.get((name, DeliveryState.DEAD), 0),
        )
        for name, one in service.notifiers.items()
    ]
    return NoticeSettings(
        person=person,
        rules=rules,
        has_address=settings is not None and bool(settings.email),
        channels=channels,
        events=[EventKind(event=one, what=EVENTS[one].what) for one in ALL],
    )


def _settings(
    session: Session, person: str
) -> tuple[OwnRules, dict[tuple[str, DeliveryState], int]]:
    states = (*OPEN, DeliveryState.DEAD)
    query = select(Row.channel, Row.state, func.count()).where(Row.state.in_(states))
    found = session.execute(query.group_by(Row.channel, Row.state))
    return read_rules(session, person), {(row[0], row[1]): row[2] for row in found}
