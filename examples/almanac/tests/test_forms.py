"""Reading what people type."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import add_appointment, appointment_fields, person

from almanac import book, forms
from almanac.database import Sessions
from almanac.errors import InvalidInputError


def test_a_person_is_read_and_tidied() -> None:
    read = forms.read_person({"name": "  Ann   Lee ", "email": "Ann@Example.org", "born": ""})
    assert read == forms.PersonInput("Ann Lee", "ann@example.org", None, None, False)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", " ", "fill this in"),
        ("name", "x" * 121, "At most 120"),
        ("email", "ann at example", "not an e-mail"),
        ("born", "1.2.1980", "YYYY-MM-DD"),
        ("born", "1980-02-30", "YYYY-MM-DD"),
        ("born", "2026-11-21", "not come yet"),
    ],
)
def test_a_wrong_field_of_a_person_is_named(field: str, value: str, message: str) -> None:
    raw = {"name": "Ann", "email": "ann@example.org", field: value}
    with pytest.raises(InvalidInputError) as caught:
        forms.read_person(raw, today=date(2026, 11, 20))
    assert message in caught.value.problems[field]


def test_an_appointment_is_read() -> None:
    read = forms.read_appointment(appointment_fields(fee="12,50", begins="8:05"))
    assert (read.starts, read.fee) == (datetime(2026, 12, 1, 8, 5), Decimal("12.50"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("finishes", "09:00"),
        ("begins", "25:00"),
        ("kind", "party"),
        ("fee", "-1"),
        ("fee", "NaN"),
        ("fee", "1.234"),
        ("day", "20261201"),
        ("person", ""),
    ],
)
def test_a_wrong_field_of_an_appointment_is_named(field: str, value: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        forms.read_appointment(appointment_fields(**{field: value}))
    assert list(caught.value.problems) == [field]


def test_a_person_has_one_appointment_at_a_time(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all([person(), person("Bo", "bo@example.org")])
    add_appointment(sessions)
    with pytest.raises(InvalidInputError, match="Ann Lee has “Check” from 09:00"):
        add_appointment(sessions, begins="09:15", finishes="10:00")
    add_appointment(sessions, begins="09:30", finishes="10:00")
    add_appointment(sessions, person="bo@example.org")
    with pytest.raises(InvalidInputError, match="Nobody here"):
        add_appointment(sessions, person="cy@example.org")


def test_an_address_belongs_to_one_person(sessions: Sessions) -> None:
    data = forms.read_person({"name": "Ann", "email": "ann@example.org"})
    with sessions.begin() as session:
        book.save_person(session, data)
        with pytest.raises(InvalidInputError, match="Ann already has this address"):
            book.save_person(session, data)
