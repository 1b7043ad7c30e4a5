"""Reading what people type: text in, checked values out, or one message for each wrong field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from almanac.errors import InvalidInputError
from almanac.models import Kind

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
T = TypeVar("T")


@dataclass(frozen=True)
class PersonInput:
    """A person as typed, checked."""

    name: str
    email: str
    phone: str | None
    born: date | None
    active: bool


@dataclass(frozen=True)
class AppointmentInput:
    """An appointment as typed, checked."""

    title: str
    person: str
    starts: datetime
    ends: datetime
    kind: Kind
    place: str | None
    fee: Decimal | None


class Reader:
    """Reads fields one after the other and gathers what is wrong with them."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self.raw = raw
        self.problems: dict[str, str] = {}

    def text(self, field: str, longest: int, required: bool = True) -> str | None:
        """Read a line of text."""
        value = " ".join(self.raw.get(field, "").split())
        if not value and required:
            self.problems[field] = "Please fill this in."
        if len(value) > longest:
            self.problems[field] = f"At most {longest} characters, please."
        return value or None

    def parsed(
        self, field: str, parse: Callable[[str], T], message: str, required: bool = True
    ) -> T | None:
        """Read a field that `parse` understands or rejects with a ValueError."""
        value = self.text(field, 60, required)
        if value is None or field in self.problems:
            return None
        try:
            return parse(value)
        except (ValueError, InvalidOperation):
            self.problems[field] = message
            return None

    def finish(self) -> None:
        """Raise if anything was wrong."""
        if self.problems:
            raise InvalidInputError(self.problems)


def read_day(text: str) -> date:
    """Read a date written as YYYY-MM-DD, and only so."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def read_time(text: str) -> time:
    """Read a time of day written as HH:MM."""
    if not re.fullmatch(r"\d{1,2}:\d{2}", text):
        raise ValueError(text)
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def read_fee(text: str) -> Decimal:
    """Read an amount of money: at most two decimals, below a million."""
    amount = Decimal(text.replace(",", "."))
    if not amount.is_finite() or not 0 <= amount < 1_000_000:
        raise ValueError(text)
    if amount != round(amount, 2):
        raise ValueError(text)
    return round(amount, 2)


def read_person(raw: Mapping[str, str], today: date | None = None) -> PersonInput:
    """Read a person's fields: name, email, phone, born, active."""
    reader = Reader(raw)
    name = reader.text("name", 120)
    email = reader.text("email", 200)
    if email and not EMAIL.fullmatch(email):
        reader.problems.setdefault("email", "This is not an e-mail address.")
    born = reader.parsed("born", read_day, "Write the date as YYYY-MM-DD.", required=False)
    if born and born > (today or date.today()):
        reader.problems["born"] = "This day has not come yet."
    phone = reader.text("phone", 40, required=False)
    reader.finish()
    assert name
    assert email
    return PersonInput(name, email.lower(), phone, born, raw.get("active", "") != "")


def read_appointment(raw: Mapping[str, str]) -> AppointmentInput:
    """Read an appointment's fields: title, person, day, begins, finishes, kind, place, fee."""
    reader = Reader(raw)
    title, person = reader.text("title", 120), reader.text("person", 200)
    day = reader.parsed("day", read_day, "Write the date as YYYY-MM-DD.")
    begins = reader.parsed("begins", read_time, "Write the time as HH:MM.")
    finishes = reader.parsed("finishes", read_time, "Write the time as HH:MM.")
    if begins and finishes and finishes <= begins:
        reader.problems["finishes"] = "It must end after it begins, on the same day."
    kind = reader.parsed("kind", Kind, f"Choose one of: {', '.join(Kind)}.")
    place = reader.text("place", 120, required=False)
    fee = reader.parsed("fee", read_fee, "Write an amount such as 45 or 45.50.", required=False)
    reader.finish()
    assert title
    assert person
    assert day
    assert begins is not None
    assert finishes
    assert kind
    starts, ends = datetime.combine(day, begins), datetime.combine(day, finishes)
    return AppointmentInput(title, person, starts, ends, kind, place, fee)
