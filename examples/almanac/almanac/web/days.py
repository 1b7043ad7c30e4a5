"""The appointments of a day, and the change log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from almanac import book, forms
from almanac.web.database import session

pages = Blueprint("days", __name__)


@dataclass(frozen=True)
class WeekDay:
    """One day of the strip above the list."""

    day: date
    count: int


@pages.get("/")
def home() -> Response:
    """Go to today."""
    return redirect(url_for("days.show", text=date.today().isoformat()))


@pages.get("/day")
def choose() -> Response | tuple[str, int]:
    """Go to the day that was typed or picked."""
    typed = request.args.get("on", "")
    try:
        day = forms.read_day(typed.strip())
    except ValueError:
        problems = {"on": "Write the date as YYYY-MM-DD."}
        return _page(date.today(), typed, problems), 422
    return redirect(url_for("days.show", text=day.isoformat()))


@pages.get("/day/<text>")
def show(text: str) -> str:
    """Show one day."""
    try:
        day = forms.read_day(text)
    except ValueError:
        abort(404, "There is no such day.")
    return _page(day, text, {})


@pages.get("/history")
def history() -> str:
    """Show the latest changes."""
    return render_template("history.html", changes=book.history(session(), 100))


def _page(day: date, typed: str, problems: dict[str, str]) -> str:
    return render_template(
        "day.html",
        day=day,
        typed=typed,
        problems=problems,
        appointments=book.appointments_on(session(), day),
        holiday=book.holiday_on(session(), day),
        week=_week(day),
        before=_shift(day, -7),
        after=_shift(day, 7),
    )


def _week(day: date) -> list[WeekDay]:
    """Return the week of a day; near the ends of the calendar it is shorter."""
    monday = day.toordinal() - day.weekday()
    ordinals = range(max(monday, 1), min(monday + 7, date.max.toordinal() + 1))
    days = [date.fromordinal(ordinal) for ordinal in ordinals]
    counts = book.count_between(session(), days[0], days[-1])
    return [WeekDay(day, counts.get(day, 0)) for day in days]


def _shift(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
