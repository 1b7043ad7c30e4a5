"""The calendar behind a zooming date picker: days, months, years and decades.

Pure functions over `datetime.date`, from year 1 to year 9999. A grid shows one period (a
month, a year, a decade or a century); a cell that would lie outside the calendar is None.
"""

from __future__ import annotations

import calendar
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Level(enum.IntEnum):
    """What the cells of a grid are."""

    DAYS = 0
    MONTHS = 1
    YEARS = 2
    DECADES = 3


COLUMNS = {Level.DAYS: 7, Level.MONTHS: 4, Level.YEARS: 4, Level.DECADES: 4}
CELL_MONTHS = {Level.MONTHS: 1, Level.YEARS: 12, Level.DECADES: 120}
PERIOD_MONTHS = {Level.DAYS: 1, Level.MONTHS: 12, Level.YEARS: 120, Level.DECADES: 1200}


@dataclass(frozen=True)
class Cell:
    """One cell: its first day, a short label, a full name, and if it is of the shown period."""

    start: date
    label: str
    name: str
    inside: bool


Grid = tuple[tuple[Cell | None, ...], ...]


def add_months(day: date, months: int) -> date:
    """Return `day` some months on or back, kept within the month and within the calendar."""
    index = day.year * 12 + day.month - 1 + months
    index = min(max(index, MINYEAR * 12), MAXYEAR * 12 + 11)
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def move(level: Level, day: date, cells: int) -> date:
    """Return the day that lies a number of cells from `day` on this level."""
    if level is Level.DAYS:
        last = date.max.toordinal()
        return date.fromordinal(min(max(day.toordinal() + cells, 1), last))
    return add_months(day, cells * CELL_MONTHS[level])


def step(level: Level, day: date, periods: int) -> date:
    """Return the day some whole grids (months, years, decades, centuries) on or back."""
    return add_months(day, periods * PERIOD_MONTHS[level])


def period(level: Level, day: date) -> date:
    """Return the first day of the period that the grid around `day` shows."""
    if level is Level.DAYS:
        return day.replace(day=1)
    years = PERIOD_MONTHS[level] // 12
    return date(max(day.year // years * years, MINYEAR), 1, 1)


def can_step(level: Level, day: date, periods: int) -> bool:
    """Say if there is another grid in that direction."""
    return period(level, step(level, day, periods)) != period(level, day)


def zoom_out(level: Level) -> Level:
    """Return the next wider level; the widest stays."""
    return Level(min(level + 1, Level.DECADES))


def zoom_in(level: Level) -> Level:
    """Return the next narrower level; days stay."""
    return Level(max(level - 1, Level.DAYS))


def title(level: Level, day: date) -> str:
    """Return the heading of the grid around `day`."""
    if level is Level.DAYS:
        return f"{MONTHS[day.month - 1]} {day.year}"
    if level is Level.MONTHS:
        return str(day.year)
    years = PERIOD_MONTHS[level] // 12
    first = day.year // years * years
    return f"{max(first, MINYEAR)} to {first + years - 1}"


def long_name(day: date) -> str:
    """Return a day in words, as in "Friday 20 November 2026"."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def grid(level: Level, day: date) -> Grid:
    """Return the rows of cells shown around `day`."""
    cells = _CELLS[level](day)
    width = COLUMNS[level]
    return tuple(tuple(cells[at : at + width]) for at in range(0, len(cells), width))


def _days(day: date) -> Sequence[Cell | None]:
    first = day.replace(day=1)
    start, last = first.toordinal() - first.weekday(), date.max.toordinal()
    cells: list[Cell | None] = []
    for ordinal in range(start, start + 42):
        if not 1 <= ordinal <= last:
            cells.append(None)
            continue
        this = date.fromordinal(ordinal)
        inside = (this.year, this.month) == (day.year, day.month)
        cells.append(Cell(this, str(this.day), long_name(this), inside))
    return cells


def _months(day: date) -> Sequence[Cell | None]:
    return [
        Cell(date(day.year, number, 1), name[:3], f"{name} {day.year}", True)
        for number, name in enumerate(MONTHS, 1)
    ]


def _years(day: date) -> Sequence[Cell | None]:
    decade = day.year // 10 * 10
    return [
        Cell(date(year, 1, 1), str(year), str(year), decade <= year < decade + 10)
        if MINYEAR <= year <= MAXYEAR
        else None
        for year in range(decade - 1, decade + 11)
    ]


def _decades(day: date) -> Sequence[Cell | None]:
    century = day.year // 100 * 100
    return [
        Cell(
            date(max(first, MINYEAR), 1, 1),
            f"{first}s",
            f"{max(first, MINYEAR)} to {first + 9}",
            century <= first < century + 100,
        )
        if 0 <= first <= MAXYEAR
        else None
        for first in range(century - 10, century + 101, 10)
    ]


_CELLS = {Level.DAYS: _days, Level.MONTHS: _months, Level.YEARS: _years, Level.DECADES: _decades}
