"""Record of a delivery: a notice on its way to one recipient by one channel."""

from __future__ import annotations

from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.events import Event
from slipway.model.records.base import Record

__all__ = ["DeliveryRecord"]


class DeliveryRecord(Record):
    """A delivery, as `slipway outbox` lists it. Times are seconds since 1970."""

    id: int
    notice: str
    """The id of the notice."""
    event: Event
    project: str
    """Empty: it concerns the site."""
    title: str
    at: float
    """When that happened of which it tells."""
    channel: str
    person: str
    """Empty: the channel itself."""
    state: DeliveryState
    attempts: int
    due_at: float
    ended_at: float | None
    text: str
    """What the server answered, or why it was not sent."""
