"""Adding, changing and removing appointments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from almanac import book, forms
from almanac.errors import InvalidInputError
from almanac.models import Appointment, Kind
from almanac.web.database import session

pages = Blueprint("appointments", __name__, url_prefix="/appointments")
Answer = str | Response | tuple[str, int]


@pages.get("/new")
def new() -> Answer:
    """Show an empty form, for the day given by `on`."""
    day = request.args.get("on", date.today().isoformat())
    values = {"day": day, "begins": "09:00", "finishes": "09:30", "kind": Kind.VISIT.value}
    return _form(values | request.args.to_dict(), {}, None)


@pages.post("/new")
def add() -> Answer:
    """Add an appointment."""
    return _save(None)


@pages.get("/<int:number>")
def edit(number: int) -> Answer:
    """Show an appointment in its form."""
    appointment = _find(number)
    return _form(_values(appointment), {}, appointment)


@pages.post("/<int:number>")
def change(number: int) -> Answer:
    """Change an appointment."""
    return _save(_find(number))


@pages.get("/<int:number>/delete")
def ask(number: int) -> Answer:
    """Ask before an appointment is removed."""
    appointment = _find(number)
    return render_template(
        "confirm.html",
        question=f"Delete “{appointment.title}”?",
        detail=f"{appointment.person.name}, {appointment.starts:%Y-%m-%d %H:%M}",
        back=url_for("appointments.edit", number=number),
    )


@pages.post("/<int:number>/delete")
def delete(number: int) -> Answer:
    """Remove an appointment."""
    appointment = _find(number)
    title, day = appointment.title, appointment.starts.date()
    session().delete(appointment)
    session().commit()
    flash(f"“{title}” was deleted.")
    return redirect(url_for("days.show", text=day.isoformat()))


def _find(number: int) -> Appointment:
    found = session().get(Appointment, number)
    return found or abort(404, "There is no such appointment.")


def _save(appointment: Appointment | None) -> Answer:
    values = request.form.to_dict()
    try:
        saved = book.save_appointment(session(), forms.read_appointment(values), appointment)
        session().commit()
    except InvalidInputError as error:
        session().rollback()
        return _form(values, error.problems, appointment), 422
    flash(f"“{saved.title}” was saved.")
    return redirect(url_for("days.show", text=saved.starts.date().isoformat()))


def _values(appointment: Appointment) -> dict[str, str]:
    return {
        "title": appointment.title,
        "person": appointment.person.email,
        "day": appointment.starts.date().isoformat(),
        "begins": f"{appointment.starts:%H:%M}",
        "finishes": f"{appointment.ends:%H:%M}",
        "kind": appointment.kind.value,
        "place": appointment.place.name if appointment.place else "",
        "fee": "" if appointment.fee is None else str(appointment.fee),
    }


def _form(
    values: Mapping[str, str], problems: Mapping[str, str], appointment: Appointment | None
) -> str:
    people = [
        person
        for person in book.people(session())
        if person.active or person.email == values.get("person")
    ]
    return render_template(
        "appointment.html",
        values=values,
        problems=problems,
        appointment=appointment,
        people=people,
        places=book.places(session()),
        kinds=list(Kind),
    )
