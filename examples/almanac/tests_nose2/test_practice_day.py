"""A day in the practice, from an empty book to its change log."""

from __future__ import annotations

import tempfile
import unittest
from datetime import date
from pathlib import Path

from almanac import book, forms
from almanac.database import close_book, open_book
from almanac.errors import BulkChangeError, InvalidInputError
from almanac.models import Appointment, Person

APPOINTMENT = {
    "title": "Vaccination",
    "person": "bo@example.org",
    "day": "2026-12-03",
    "begins": "10:00",
    "finishes": "10:15",
    "kind": "treatment",
}


class PracticeDay(unittest.TestCase):
    """Each test has a book with one person in it."""

    def setUp(self) -> None:
        """Make the book."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.sessions = open_book(f"sqlite:///{Path(folder.name) / 'book.db'}", author="nose2")
        self.addCleanup(close_book, self.sessions)
        self.session = self.enterContext(self.sessions())
        book.save_person(
            self.session,
            forms.read_person({"name": "Bo", "email": "bo@example.org", "active": "y"}),
        )
        self.session.commit()

    def add(self, **changed: str) -> Appointment:
        """Add an appointment."""
        data = forms.read_appointment(APPOINTMENT | changed)
        return book.save_appointment(self.session, data)

    def test_the_day_shows_what_was_added(self) -> None:
        """An appointment stands on its day."""
        self.add()
        titles = [each.title for each in book.appointments_on(self.session, date(2026, 12, 3))]
        self.assertEqual(titles, ["Vaccination"])

    def test_times_may_touch_but_not_overlap(self) -> None:
        """Back to back is fine."""
        self.add()
        self.add(begins="10:15", finishes="10:30")
        for begins, finishes in (("10:10", "10:20"), ("09:00", "12:00"), ("10:00", "10:15")):
            with self.subTest(begins=begins), self.assertRaises(InvalidInputError):
                self.add(begins=begins, finishes=finishes)

    def test_an_appointment_may_be_moved_over_itself(self) -> None:
        """Its own time does not stand in its way."""
        appointment = self.add()
        data = forms.read_appointment(APPOINTMENT | {"finishes": "11:00"})
        self.assertIs(book.save_appointment(self.session, data, appointment), appointment)

    def test_a_place_is_found_whatever_its_case(self) -> None:
        """No second Room 1."""
        first = self.add(place="Room 1")
        second = self.add(place="room 1", day="2026-12-04")
        self.assertIs(first.place, second.place)

    def test_the_log_names_the_author_and_the_order(self) -> None:
        """Newest first."""
        self.session.delete(self.add())
        self.session.commit()
        latest = book.history(self.session, 2)
        self.assertEqual([each.action for each in latest], ["delete", "insert"])
        self.assertEqual({each.author for each in latest}, {"nose2"})

    def test_bulk_changes_are_refused(self) -> None:
        """They would not be logged."""
        with self.assertRaises(BulkChangeError):
            self.session.query(Person).update({"name": "Nobody"})


class Inactive(PracticeDay):
    """The same holds for somebody who has left."""

    def setUp(self) -> None:
        """Let Bo leave."""
        super().setUp()
        book.people(self.session)[0].active = False
        self.session.commit()

    def test_they_are_not_offered(self) -> None:
        """Only the full list has them."""
        self.assertEqual(len(book.people(self.session)), 1)
        self.assertEqual(book.people(self.session, active_only=True), [])
