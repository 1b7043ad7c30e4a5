"""Resend and discard deliveries, and set rules."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from slipway.ledger.outbox import letters
from slipway.ledger.outbox.rules import set_rules
from slipway.master.notify.service import find_notices
from slipway.model.notices.rules import OwnRules
from slipway.www.api.call import Call
from slipway.www.shapes.notices import NoticeSettings, NumberOfDeliveries
from slipway.www.views.notices import settings_of, whose

__all__ = ["discard", "resend", "set_own"]


async def resend(call: Call) -> NumberOfDeliveries:
    """Answer POST outbox/resend."""
    count = await call.change(letters.resend, call.body.ids, time.time())
    find_notices(call.master).wake()
    return NumberOfDeliveries(count=count)


async def discard(call: Call) -> NumberOfDeliveries:
    """Answer POST outbox/discard."""
    count = await call.change(letters.discard, call.body.ids, time.time())
    return NumberOfDeliveries(count=count)


async def set_own(call: Call) -> NoticeSettings:
    """Answer POST notices/rules."""
    person = whose(call, call.body.person)
    await call.change(_set, person, call.body.rules)
    return await settings_of(call, person)


def _set(session: Session, person: str, rules: OwnRules) -> None:
    set_rules(session, person, rules, time.time())
