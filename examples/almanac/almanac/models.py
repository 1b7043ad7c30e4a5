"""The tables of the appointment book."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Numeric, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from almanac.changes import Base, Change, Logged

__all__ = ["Appointment", "Base", "Change", "Holiday", "Kind", "Logged", "Person", "Place"]


class Kind(enum.StrEnum):
    """What an appointment is for; the database holds the lower-case value."""

    VISIT = "visit"
    CALL = "call"
    CHECK_UP = "check-up"
    TREATMENT = "treatment"
    MEETING = "meeting"


def _values(kinds: type[Kind]) -> list[str]:
    return [kind.value for kind in kinds]


class Person(Logged, Base):
    """Somebody who has appointments."""

    __tablename__ = "people"
    __table_args__ = (CheckConstraint("email LIKE '%@%'", name="email_has_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    born: Mapped[date | None]
    phone: Mapped[str | None] = mapped_column(String(40))
    active: Mapped[bool] = mapped_column(default=True, server_default=true())

    appointments: Mapped[list[Appointment]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="Appointment.starts"
    )


class Place(Logged, Base):
    """Where an appointment happens."""

    __tablename__ = "places"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    address: Mapped[str | None] = mapped_column(String(200))

    appointments: Mapped[list[Appointment]] = relationship(back_populates="place")


class Holiday(Logged, Base):
    """A day on which the practice is closed."""

    __tablename__ = "holidays"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(120))


class Appointment(Logged, Base):
    """A person's time in the book; times are those of the clock on the wall."""

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint("ends > starts", name="ends_after_start"),
        CheckConstraint("fee >= 0", name="fee_not_negative"),
        UniqueConstraint("person_id", "starts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    starts: Mapped[datetime] = mapped_column(index=True)
    ends: Mapped[datetime]
    kind: Mapped[Kind] = mapped_column(
        Enum(Kind, native_enum=False, length=20, values_callable=_values)
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    place_id: Mapped[int | None] = mapped_column(
        ForeignKey("places.id", ondelete="SET NULL"), index=True
    )
    fee: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))

    person: Mapped[Person] = relationship(back_populates="appointments")
    place: Mapped[Place | None] = relationship(back_populates="appointments")
