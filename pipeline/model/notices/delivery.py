"""States of deliveries: a notice on its way to one recipient by one channel."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ENDED", "OPEN", "DeliveryState"]


class DeliveryState(StrEnum):
    """State of a delivery."""

    WAITING = "waiting"
    """Not tried yet: it is due soon, or at the end of quiet hours."""
    FAILED = "failed"
    """Tried; it will be tried again."""
    SENT = "sent"
    """The channel has taken it."""
    DEAD = "dead"
    """Refused, or tried for three days: a dead letter, until a person resends or discards it."""
    GATHERED = "gathered"
    """It became a part of a digest, which has a delivery of its own."""
    MUTED = "muted"
    """Not sent: the person wants it not, a newer one took its place, or somebody discarded it."""


OPEN = (DeliveryState.WAITING, DeliveryState.FAILED)
ENDED = tuple(one for one in DeliveryState if one not in OPEN)
