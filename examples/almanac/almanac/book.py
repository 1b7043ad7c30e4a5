"""What can be done with the book; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from almanac.errors import AlmanacError, InvalidInputError
from almanac.forms import AppointmentInput, PersonInput
from almanac.models import Appointment, Change, Holiday, Person, Place


def save_person(session: Session, data: PersonInput, person: Person | None = None) -> Person:
    """Add a person, or change one."""
    taken = session.scalar(select(Person).where(Person.email == data.email))
    if taken is not None and taken is not person:
        raise InvalidInputError({"email": f"{taken.name} already has this address."})
    person = person or Person()
    person.name, person.email, person.phone = data.name, data.email, data.phone
    person.born, person.active = data.born, data.active
    session.add(person)
    _flush(session, "people", "email", {"email": "Another person already has this address."})
    return person


def save_appointment(
    session: Session, data: AppointmentInput, appointment: Appointment | None = None
) -> Appointment:
    """Add an appointment, or change one; a person has only one at a time."""
    person = session.scalar(select(Person).where(Person.email == data.person.lower()))
    if person is None:
        raise InvalidInputError({"person": f"Nobody here has the address {data.person}."})
    other = _overlapping(session, person, data, appointment)
    if other is not None:
        raise InvalidInputError(
            {"begins": f"{person.name} has “{other.title}” from {other.starts:%H:%M}."}
        )
    appointment = appointment or Appointment()
    place = _place(session, data.place) if data.place else None
    appointment.title, appointment.kind, appointment.fee = data.title, data.kind, data.fee
    appointment.starts, appointment.ends = data.starts, data.ends
    appointment.person, appointment.place = person, place
    session.add(appointment)
    problems = {"begins": f"{person.name} already has an appointment then."}
    _flush(session, "appointments", "starts", problems)
    return appointment


def _flush(session: Session, table: str, column: str, problems: dict[str, str]) -> None:
    """Write; if a unique column is taken by somebody who was quicker, say so."""
    try:
        session.flush()
    except IntegrityError as error:
        session.rollback()
        said = str(error.orig).splitlines()[0]
        if f"{table}.{column}" in said or (f"uq_{table}_" in said and column in said):
            raise InvalidInputError(problems) from None
        raise AlmanacError(f"The database refused the change: {said}.") from None


def _overlapping(
    session: Session, person: Person, data: AppointmentInput, own: Appointment | None
) -> Appointment | None:
    query = select(Appointment).where(
        Appointment.person == person,
        Appointment.starts < data.ends,
        Appointment.ends > data.starts,
    )
    if own is not None:
        query = query.where(Appointment.id != own.id)
    return session.scalars(query.limit(1)).first()


def _place(session: Session, name: str) -> Place:
    """Find a place by its name, or note a new one."""
    query = select(Place).where(func.lower(Place.name) == name.lower())
    return session.scalars(query).first() or Place(name=name)


def appointments_between(
    session: Session, first: date, after: date | None = None
) -> Sequence[Appointment]:
    """Return the appointments from a day on, up to but without `after`."""
    query = (
        select(Appointment)
        .options(joinedload(Appointment.person), joinedload(Appointment.place))
        .where(Appointment.starts >= datetime.combine(first, time.min))
        .order_by(Appointment.starts, Appointment.id)
    )
    if after is not None:
        query = query.where(Appointment.starts < datetime.combine(after, time.min))
    return session.scalars(query).all()


def appointments_on(session: Session, day: date) -> Sequence[Appointment]:
    """Return the appointments of one day, in order."""
    if day == date.max:
        return appointments_between(session, day)
    return appointments_between(session, day, day + timedelta(days=1))


def count_between(session: Session, first: date, last: date) -> dict[date, int]:
    """Return how many appointments each day of a range has; days without any are left out."""
    counts: dict[date, int] = {}
    query = select(Appointment.starts).where(
        Appointment.starts >= datetime.combine(first, time.min),
        Appointment.starts <= datetime.combine(last, time.max),
    )
    for starts in session.scalars(query):
        counts[starts.date()] = counts.get(starts.date(), 0) + 1
    return counts


def holiday_on(session: Session, day: date) -> Holiday | None:
    """Return why the practice is closed that day, if it is."""
    return session.scalar(select(Holiday).where(Holiday.day == day))


def people(session: Session, active_only: bool = False) -> Sequence[Person]:
    """Return the people by name."""
    query = select(Person).order_by(func.lower(Person.name), Person.id)
    return session.scalars(query.where(Person.active) if active_only else query).all()


def places(session: Session) -> Sequence[Place]:
    """Return the places by name."""
    return session.scalars(select(Place).order_by(func.lower(Place.name))).all()


def history(session: Session, limit: int = 50) -> Sequence[Change]:
    """Return the latest changes, newest first."""
    return session.scalars(select(Change).order_by(Change.id.desc()).limit(limit)).all()
