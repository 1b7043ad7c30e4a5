"""The tables and what they refuse."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import add_appointment, person
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from almanac import book
from almanac.database import Sessions
from almanac.models import Appointment, Holiday, Kind, Person, Place


def test_values_come_back_as_they_went_in(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(person())
    add_appointment(sessions, fee="45,5", kind="check-up", place="Room 1")
    with sessions() as session:
        found = session.scalars(select(Appointment)).one()
        assert (found.fee, found.kind) == (Decimal("45.50"), Kind.CHECK_UP)
        assert (found.starts, found.place) == (
            datetime(2026, 12, 1, 9),
            session.scalars(select(Place)).one(),
        )
        assert session.scalar(text("SELECT kind FROM appointments")) == "check-up"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (name, email) VALUES ('B', 'ann@example.org')",
        "INSERT INTO people (name, email) VALUES ('B', 'no address')",
        "UPDATE appointments SET ends = starts",
        "UPDATE appointments SET fee = -1",
        "UPDATE appointments SET person_id = 99",
        "INSERT INTO appointments (title, starts, ends, kind, person_id)"
        " SELECT title, starts, ends, kind, person_id FROM appointments",
    ],
)
def test_the_database_itself_refuses_nonsense(sessions: Sessions, statement: str) -> None:
    with sessions.begin() as session:
        session.add(person())
    add_appointment(sessions)
    with sessions() as session, pytest.raises(IntegrityError):
        session.execute(text(statement))


def test_a_new_person_is_active_for_plain_sql_too(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(text("INSERT INTO people (name, email) VALUES ('B', 'b@example.org')"))
        assert session.scalars(select(Person)).one().active


def test_removing_a_person_removes_their_appointments(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(person())
    add_appointment(sessions)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM people"))
        assert session.scalar(text("SELECT count(*) FROM appointments")) == 0


def test_a_day_has_its_appointments_in_order(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all([person(), Holiday(day=date(2026, 12, 24), name="Christmas Eve")])
    add_appointment(sessions, begins="14:00", finishes="15:00", title="Late")
    add_appointment(sessions, title="Early")
    add_appointment(sessions, day="2026-12-02")
    with sessions() as session:
        found = book.appointments_on(session, date(2026, 12, 1))
        assert [each.title for each in found] == ["Early", "Late"]
        assert book.appointments_on(session, date.max) == []
        counts = book.count_between(session, date(2026, 11, 30), date(2026, 12, 6))
        assert counts == {date(2026, 12, 1): 2, date(2026, 12, 2): 1}
        closed = book.holiday_on(session, date(2026, 12, 24))
        assert closed is not None
        assert closed.name == "Christmas Eve"
