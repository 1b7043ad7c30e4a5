"""The people of the book."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from almanac import book, forms
from almanac.errors import InvalidInputError
from almanac.models import Person
from almanac.web.database import session

pages = Blueprint("people", __name__, url_prefix="/people")
Answer = str | Response | tuple[str, int]


@pages.get("")
def listing() -> Answer:
    """Show everybody."""
    return render_template("people.html", people=book.people(session()))


@pages.get("/new")
def new() -> Answer:
    """Show an empty form."""
    return _form({"active": "yes"}, {}, None)


@pages.post("/new")
def add() -> Answer:
    """Add a person."""
    return _save(None)


@pages.get("/<int:number>")
def edit(number: int) -> Answer:
    """Show a person in their form."""
    person = _find(number)
    return _form(_values(person), {}, person)


@pages.post("/<int:number>")
def change(number: int) -> Answer:
    """Change a person."""
    return _save(_find(number))


@pages.get("/<int:number>/delete")
def ask(number: int) -> Answer:
    """Ask before a person is removed with all their appointments."""
    person = _find(number)
    count = len(person.appointments)
    also = {0: "There are no appointments.", 1: "One appointment goes too."}
    return render_template(
        "confirm.html",
        question=f"Delete {person.name}?",
        detail=also.get(count, f"{count} appointments go too."),
        back=url_for("people.edit", number=number),
    )


@pages.post("/<int:number>/delete")
def delete(number: int) -> Answer:
    """Remove a person."""
    person = _find(number)
    name = person.name
    session().delete(person)
    session().commit()
    flash(f"{name} was deleted.")
    return redirect(url_for("people.listing"))


def _find(number: int) -> Person:
    return session().get(Person, number) or abort(404, "There is no such person.")


def _save(person: Person | None) -> Answer:
    values = request.form.to_dict()
    try:
        saved = book.save_person(session(), forms.read_person(values), person)
        session().commit()
    except InvalidInputError as error:
        session().rollback()
        return _form(values, error.problems, person), 422
    flash(f"{saved.name} was saved.")
    return redirect(url_for("people.listing"))


def _values(person: Person) -> dict[str, str]:
    return {
        "name": person.name,
        "email": person.email,
        "phone": person.phone or "",
        "born": person.born.isoformat() if person.born else "",
        "active": "yes" if person.active else "",
    }


def _form(values: Mapping[str, str], problems: Mapping[str, str], person: Person | None) -> str:
    return render_template("person.html", values=values, problems=problems, person=person)
