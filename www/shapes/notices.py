"""Shapes of notices: deliveries, channels, and people's own rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.events import Event
from slipway.model.notices.rules import OwnRules
from slipway.model.records.delivery import DeliveryRecord
from slipway.www.shapes.base import Asked, Line, Number, Paging, Shape

__all__ = [
    "Deliveries",
    "DeliveriesQuery",
    "EventKind",
    "NoticeChannel",
    "NoticeDelivery",
    "NoticeSettings",
    "NumberOfDeliveries",
    "RulesQuery",
    "SetRules",
    "WholeDelivery",
]


class NoticeDelivery(DeliveryRecord, Shape):
    """A notice on its way to one recipient by one channel."""


class WholeDelivery(Shape):
    """A delivery, and the notice as the channel gets it."""

    delivery: NoticeDelivery
    notice: dict[str, Any]
    """Empty: it is not described yet."""


class DeliveriesQuery(Paging):
    """Which deliveries to list; those who may not see all see their own."""

    state: DeliveryState | None = None
    channel: Line | None = None
    person: Line | None = None


class Deliveries(Asked):
    """The deliveries that are meant."""

    ids: Annotated[tuple[Number, ...], Field(min_length=1, max_length=500)]


class NumberOfDeliveries(Shape):
    """How many deliveries were changed."""

    count: int


class NoticeChannel(Shape):
    """A notifier of pipeline.toml."""

    name: str
    kind: str
    to_persons: bool
    """True: each person is told alone. False: the channel itself is told."""
    events: list[Event]
    waiting: int
    """Deliveries that wait or are tried again."""
    dead: int
    """Dead letters."""


class EventKind(Shape):
    """An event that a rule may name."""

    event: Event
    what: str


class NoticeSettings(Shape):
    """What a person has set, and what there is to be set."""

    person: str
    rules: OwnRules
    has_address: bool
    """False: pipeline.toml has no email of theirs, and channels that tell persons cannot."""
    channels: list[NoticeChannel]
    events: list[EventKind]


class RulesQuery(Asked):
    """Whose rules."""

    person: Line | None = None
    """None: one's own."""


class SetRules(RulesQuery):
    """The rules to be set, all of them."""

    rules: OwnRules
