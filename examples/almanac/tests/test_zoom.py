"""The calendar of the zooming picker."""

from __future__ import annotations

from datetime import date

import pytest

from almanac import zoom
from almanac.zoom import Level


def starts(level: Level, day: date) -> list[date | None]:
    return [cell.start if cell else None for row in zoom.grid(level, day) for cell in row]


def test_a_month_is_six_weeks_from_monday() -> None:
    days = zoom.grid(Level.DAYS, date(2026, 11, 20))
    assert [len(row) for row in days] == [7] * 6
    assert days[0][0] is not None
    assert days[0][0].start == date(2026, 10, 26)
    assert sum(cell.inside for row in days for cell in row if cell) == 30


def test_a_cell_has_a_short_label_and_a_full_name() -> None:
    cell = zoom.grid(Level.DAYS, date(2026, 11, 20))[3][4]
    assert cell == zoom.Cell(date(2026, 11, 20), "20", "Friday 20 November 2026", True)


def test_a_decade_has_one_year_more_on_either_side() -> None:
    cells = [cell for row in zoom.grid(Level.YEARS, date(2026, 5, 1)) for cell in row if cell]
    assert [cell.start.year for cell in cells] == list(range(2019, 2031))
    assert [cell.inside for cell in cells] == [False] + [True] * 10 + [False]


def test_a_century_shows_its_decades() -> None:
    labels = [
        cell.label for row in zoom.grid(Level.DECADES, date(2026, 5, 1)) for cell in row if cell
    ]
    assert (labels[0], labels[1], labels[-1]) == ("1990s", "2000s", "2100s")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.DAYS, "November 2026"),
        (Level.MONTHS, "2026"),
        (Level.YEARS, "2020 to 2029"),
        (Level.DECADES, "2000 to 2099"),
    ],
)
def test_each_level_has_its_title(level: Level, expected: str) -> None:
    assert zoom.title(level, date(2026, 11, 20)) == expected


def test_zooming_out_and_in_again_goes_through_every_level() -> None:
    level, seen = Level.DAYS, [Level.DAYS]
    for _ in range(4):
        level = zoom.zoom_out(level)
        seen.append(level)
    assert seen == [Level.DAYS, Level.MONTHS, Level.YEARS, Level.DECADES, Level.DECADES]
    for _ in range(4):
        level = zoom.zoom_in(level)
    assert level is Level.DAYS


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("day", [date.min, date.max])
def test_grids_at_the_ends_of_the_calendar(level: Level, day: date) -> None:
    found = starts(level, day)
    assert len(found) == (42 if level is Level.DAYS else 12)
    assert any(start and zoom.period(level, start) == zoom.period(level, day) for start in found)


def test_the_first_and_the_last_month_leave_cells_empty() -> None:
    assert starts(Level.DAYS, date.min)[0] == date.min
    assert starts(Level.DAYS, date.max)[-1] is None
    assert starts(Level.YEARS, date.min)[:2] == [None, None]
    assert starts(Level.DECADES, date.max)[-1] is None


def test_steps_stop_at_the_ends() -> None:
    for level in Level:
        assert not zoom.can_step(level, date.min, -1)
        assert not zoom.can_step(level, date.max, 1)
        assert zoom.can_step(level, date(2026, 1, 1), 1)
        assert zoom.move(level, date.max, 1).year == 9999
    assert zoom.move(Level.DAYS, date.min, -1) == date.min


def test_a_step_keeps_within_the_month() -> None:
    assert zoom.step(Level.DAYS, date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert zoom.step(Level.MONTHS, date(2024, 2, 29), 1) == date(2025, 2, 28)
    assert zoom.move(Level.DECADES, date(2026, 3, 4), -2) == date(2006, 3, 4)
