"""The change log."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import add_appointment, person
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from almanac.database import Sessions
from almanac.errors import BulkChangeError
from almanac.models import Appointment, Change, Person, Place


@pytest.fixture
def filled(sessions: Sessions) -> Sessions:
    with sessions.begin() as session:
        session.add(person())
    add_appointment(sessions, place="Room 1")
    with sessions.begin() as session:
        session.execute(delete(Change))
    return sessions


def log(session: Session) -> list[tuple[str, str, int, dict[str, Any]]]:
    changes = session.scalars(select(Change).order_by(Change.id))
    return [(each.action, each.table_name, each.row_id, each.details) for each in changes]


def test_an_insert_is_logged_with_its_new_id(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(person())
    with sessions() as session:
        change = session.scalars(select(Change)).one()
        assert (change.action, change.table_name, change.row_id) == ("insert", "people", 1)
        assert change.details["email"] == [None, "ann@example.org"]
        assert change.author == "tests"


def test_an_update_has_the_value_from_before_even_if_it_was_not_loaded(filled: Sessions) -> None:
    with filled() as session:
        found = session.scalars(select(Person)).one()
        session.commit()
        found.name = "Ann Ray"
        session.commit()
        assert log(session) == [("update", "people", 1, {"name": ["Ann Lee", "Ann Ray"]})]


def test_setting_the_same_value_is_no_change(filled: Sessions) -> None:
    with filled.begin() as session:
        session.scalars(select(Person)).one().name = "Ann Lee"
    with filled() as session:
        assert log(session) == []


def test_moving_to_another_place_logs_both_keys(filled: Sessions) -> None:
    with filled.begin() as session:
        session.scalars(select(Appointment)).one().place = Place(name="Room 2")
    with filled() as session:
        assert log(session)[-1] == ("update", "appointments", 1, {"place_id": [1, 2]})


def test_deleting_a_person_logs_every_row_that_goes(filled: Sessions) -> None:
    with filled() as session:
        found = session.scalars(select(Person)).one()
        session.commit()
        session.delete(found)
        session.commit()
        gone = [(action, table) for action, table, _, _ in log(session)]
        assert gone == [("delete", "appointments"), ("delete", "people")]
        assert log(session)[1][3]["name"] == ["Ann Lee", None]


def test_an_appointment_taken_from_its_person_is_logged_as_deleted(filled: Sessions) -> None:
    with filled.begin() as session:
        found = session.scalars(select(Person)).one()
        found.appointments.clear()
    with filled() as session:
        assert log(session)[-1][:3] == ("delete", "appointments", 1)


def test_work_that_is_rolled_back_leaves_no_trace(filled: Sessions) -> None:
    with filled() as session:
        session.add(person("Bo", "bo@example.org"))
        session.flush()
        assert len(log(session)) == 1
        session.rollback()
        assert log(session) == []


def test_a_flush_that_fails_leaves_no_notes_behind(filled: Sessions) -> None:
    with filled() as session:
        session.add_all([person("Bo", "bo@example.org"), person("Cy", "ann@example.org")])
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        session.add(person("Di", "di@example.org"))
        session.commit()
        assert [details["name"] for *_, details in log(session)] == [[None, "Di"]]


def test_a_savepoint_takes_only_its_own_rows_back(filled: Sessions) -> None:
    with filled() as session:
        session.add(person("Bo", "bo@example.org"))
        session.flush()
        with session.begin_nested() as inner:
            session.add(person("Cy", "cy@example.org"))
            session.flush()
            inner.rollback()
        session.commit()
        assert [details["name"] for *_, details in log(session)] == [[None, "Bo"]]


@pytest.mark.parametrize(
    "statement",
    [
        update(Person).values(name="Nobody"),
        delete(Appointment),
        insert(Person).values(name="Bo", email="bo@example.org"),
        Person.__table__.delete(),
    ],
    ids=["update", "delete", "insert", "core delete"],
)
def test_bulk_statements_are_refused(filled: Sessions, statement: Any) -> None:  # noqa: ANN401
    with filled() as session:
        with pytest.raises(BulkChangeError, match="would not be logged"):
            session.execute(statement)
        with pytest.raises(BulkChangeError):
            session.query(Person).delete()
        assert session.scalar(text("SELECT count(*) FROM people WHERE name = 'Ann Lee'")) == 1
