"""Time windows: days of the week and wall clock hours in a time zone."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from slipway.model.base import Part
from slipway.model.spelling import did_you_mean

__all__ = ["DAYS", "Days", "Hours", "Window", "is_open", "next_opening", "sentence"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
#: Days to look ahead: a clock change can remove an opening, but not the next week's, too.
_AHEAD = 16
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def _read_days(value: object) -> str:
    """Parse "mon" or "mon-fri"; "sat-mon" wraps over Sunday."""
    word = value.strip().lower() if isinstance(value, str) else ""
    for day in (parts := word.split("-")):
        if day not in DAYS or len(parts) > 2:  # noqa: PLR2004  a day, or from and to
            msg = f'{value!r} is no day of the week; write "mon" or "mon-fri"'
            raise ValueError(msg + did_you_mean(day, DAYS))
    return word


def _read_hours(value: object) -> str:
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None or (match[3] == "24" and match[4] != "00"):
        msg = f'{value!r} is no span of hours; write "09:00-16:30", until 24:00 at most'
        raise ValueError(msg)
    if match[0][:5] == match[0][6:]:
        msg = f'{value!r} is empty; for the whole day write "00:00-24:00"'
        raise ValueError(msg)
    return match[0]


Days = Annotated[
    str,
    BeforeValidator(_read_days),
    WithJsonSchema({"type": "string", "examples": ["mon", "mon-fri"]}),
]
Hours = Annotated[
    str,
    BeforeValidator(_read_hours),
    WithJsonSchema({"type": "string", "pattern": f"^{_HOURS.pattern}$"}),
]


class Window(Part):
    """Days and hours, by the clock on the wall of a time zone."""

    days: tuple[Days, ...] = Field(default=("mon-sun",), min_length=1)
    """Days of the week: "mon", "mon-fri"; hours over midnight belong to the day they begin on."""
    hours: Hours = "00:00-24:00"
    """From, and until just before: "09:00-16:30"; "22:00-04:00" goes over midnight."""
    zone: str = "UTC"
    """The time zone, by its IANA name: "Europe/Berlin"."""

    @field_validator("zone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            near = did_you_mean(zone, zoneinfo.available_timezones())
            msg = f'{zone!r} is no time zone; write an IANA name such as "Europe/Berlin".{near}'
            raise ValueError(msg) from None
        return zone

    def __str__(self) -> str:
        """Return it as text for people: Mon-Fri 09:00-16:30 Europe/Berlin."""
        days = ", ".join("-".join(d.capitalize() for d in span.split("-")) for span in self.days)
        return f"{days} {self.hours} {self.zone}"

    def is_open(self, at: datetime) -> bool:
        """Return whether a time-zone-aware instant is inside."""
        wall = at.astimezone(zoneinfo.ZoneInfo(self.zone)).replace(tzinfo=None)
        return any(
            start <= wall < end
            for day in (wall.date() - _DAY, wall.date())
            for start, end in self._span(day)
        )

    def openings(self, at: datetime) -> Iterator[datetime]:
        """Yield candidate instants of the next opening, in UTC and unordered."""
        zone = zoneinfo.ZoneInfo(self.zone)
        first = at.astimezone(zone).date() - _DAY
        for day in (first + _DAY * n for n in range(_AHEAD)):
            for start, _ in self._span(day):
                for fold in (0, 1):
                    yield start.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            yield from _clock_changes(day, zone)

    def _span(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return the wall clock span that begins on a day; empty if the day is not included."""
        if DAYS[day.weekday()] not in _named_days(self.days):
            return []
        begin, end = (_after_midnight(text) for text in self.hours.split("-"))
        midnight = datetime.combine(day, time())
        return [(midnight + begin, midnight + end + (_DAY if end < begin else timedelta()))]


def is_open(windows: Sequence[Window], at: datetime) -> bool:
    """Return whether any window is open at an instant; without windows, always."""
    return not windows or any(window.is_open(at) for window in windows)


def next_opening(windows: Sequence[Window], at: datetime) -> datetime | None:
    """Return the first instant from `at` on at which a window is open.

    Args:
        windows: The windows; an empty sequence means always.
        at: A time-zone-aware instant.

    Returns:
        `at` itself, or a later instant in UTC. None: no window opens before the calendar's end.
    """
    try:
        if is_open(windows, at):
            return at
        after = [one for window in windows for one in window.openings(at) if one > at]
        return next((one for one in sorted(after) if is_open(windows, one)), None)
    except OverflowError:
        return None


def sentence(windows: Sequence[Window]) -> str:
    """Return windows as text: Mon-Fri 09:00-16:30 UTC or Sat 10:00-12:00 UTC."""
    return " or ".join(str(window) for window in windows) or "always"


def _named_days(spans: Sequence[str]) -> set[str]:
    named: set[str] = set()
    for span in spans:
        first, _, last = span.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % len(DAYS)
        named |= {DAYS[(start + n) % len(DAYS)] for n in range(length + 1)}
    return named


def _after_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _clock_changes(day: date, zone: zoneinfo.ZoneInfo) -> Iterator[datetime]:
    """Yield the instant of a day at which the zone's UTC offset changes, to the second."""
    low = datetime.combine(day, time(), tzinfo=UTC)
    high = low + _DAY

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(zone).utcoffset()

    if offset(low) == offset(high):
        return
    before = offset(low)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    yield high
