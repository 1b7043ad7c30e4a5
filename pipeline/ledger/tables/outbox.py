"""Ledger tables of the outbox: notices, their deliveries, and people's own rules."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.stated import ReadOnly, Stated, state_column
from slipway.model.notices.delivery import OPEN, DeliveryState

__all__ = ["Delivery", "OutboxNotice", "PersonRules"]


class OutboxNotice(Base):
    """One thing that has happened, written in the transaction in which it did.

    That transaction adds the few facts alone; the sender adds the description later.
    """

    __tablename__ = "slipway_notice"
    __table_args__ = (
        Index("ux_slipway_notice_key", "key", unique=True),
        Index("ix_slipway_notice_described", "described_at"),
        Index("ix_slipway_notice_subject", "project", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(120))
    """`Notice.id`: the same thing is written once."""
    event: Mapped[str] = mapped_column(String(30))
    project: Mapped[str] = mapped_column(String(40), default="")
    subject: Mapped[str] = mapped_column(String(80), default="")
    """What it is about, such as "run-12" or "worker-far": to find what was told of it before."""
    at: Mapped[float] = mapped_column(Double)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What is known when it happens, by the names of the fields of a notice, and row numbers."""
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The whole notice, once it is described."""
    described_at: Mapped[float | None] = mapped_column(Double)


class Delivery(Stated, Base):
    """A notice on its way to one recipient by one channel."""

    __tablename__ = "slipway_delivery"
    __table_args__ = (
        Index("ix_slipway_delivery_due", "channel", "state", "due_at"),
        Index("ix_slipway_delivery_ended", "channel", "state", "ended_at"),
        Index("ix_slipway_delivery_notice", "notice_id"),
        Index("ix_slipway_delivery_thread", "channel", "person", "thread"),
        Index("ix_slipway_delivery_state", "state", "id"),
    )

    # It is no part of the audit trail; what people do to it is noted there.
    __trail__ = Trail(
        "delivery",
        project=lambda delivery: str(delivery.notice.project),
        summary=lambda delivery: f"{delivery.channel} {delivery.id}",
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("slipway_notice.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(100), default="")
    thread: Mapped[str] = mapped_column(String(120), default="")
    topic: Mapped[str] = mapped_column(String(100), default="")
    state: ReadOnly[DeliveryState] = state_column(DeliveryState, 10)
    digest: Mapped[str] = mapped_column(String(4), default="")
    """ "day" or "week": it waits for a digest."""
    digest_id: Mapped[int | None]
    """The notice that gathered it."""
    attempts: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[float] = mapped_column(Double)
    due_at: Mapped[float] = mapped_column(Double)
    leased_at: Mapped[float | None] = mapped_column(Double)
    """Given to the channel's sender of this master. None: it is with nobody."""
    ended_at: Mapped[float | None] = mapped_column(Double)
    text: Mapped[str] = mapped_column(Text, default="")

    notice: Mapped[OutboxNotice] = relationship()

    def entered(self, now: float) -> None:
        """Record the time of its end; it is with nobody then."""
        self.ended_at = None if self.state in OPEN else now


class PersonRules(Audited, Base):
    """What a person has set for their own notices."""

    __tablename__ = "slipway_person_rules"
    __trail__ = Trail("notice-rules", summary=lambda rules: f"rules of {rules.person}")

    person: Mapped[str] = mapped_column(String(100), primary_key=True)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """An `OwnRules`, in kebab-case."""
    changed_at: Mapped[float] = mapped_column(Double)
