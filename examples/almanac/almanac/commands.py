"""What each command of the command line does."""

from __future__ import annotations

from argparse import Namespace
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from almanac import book, forms
from almanac.database import (
    Sessions,
    close_book,
    default_url,
    make_engine,
    open_book,
    reason,
    upgrade,
)
from almanac.errors import AlmanacError, InvalidInputError
from almanac.models import Appointment


def run(arguments: Namespace) -> int | None:
    """Run the command that was named."""
    url = arguments.database or default_url()
    if arguments.command == "upgrade":
        _upgrade(url)
        return None
    sessions = open_book(url, author="command line")
    try:
        return COMMANDS[arguments.command](sessions, arguments)
    finally:
        close_book(sessions)


def _upgrade(url: str) -> None:
    engine = make_engine(url, migrating=True)
    try:
        with engine.begin() as connection:
            upgrade(connection)
    except SQLAlchemyError as error:
        raise AlmanacError(f"The database cannot be upgraded: {reason(error)}.") from None
    finally:
        engine.dispose()
    print("The database is up to date.")


def _add_person(sessions: Sessions, arguments: Namespace) -> None:
    data = forms.read_person({**_texts(arguments), "active": "yes"})
    with sessions.begin() as session:
        person = book.save_person(session, data)
        print(f"Added {person.name} <{person.email}>.")


def _add(sessions: Sessions, arguments: Namespace) -> None:
    data = forms.read_appointment(_texts(arguments))
    with sessions.begin() as session:
        appointment = book.save_appointment(session, data)
        print(f"Added {_line(appointment, with_day=True)}")


def _list(sessions: Sessions, arguments: Namespace) -> None:
    day = _day(arguments.on) if arguments.on else None
    with sessions() as session:
        if day:
            found = book.appointments_on(session, day)
        else:
            found = book.appointments_between(session, date.today())
        for appointment in found:
            print(_line(appointment, with_day=day is None))
        if not found:
            print(f"No appointments on {day}." if day else "No appointments from today on.")


def _history(sessions: Sessions, arguments: Namespace) -> None:
    if arguments.limit < 1:
        raise InvalidInputError({"limit": "Must be 1 or more."})
    with sessions() as session:
        for change in book.history(session, arguments.limit):
            what = ", ".join(
                f"{name}: {old!r} -> {new!r}" for name, (old, new) in change.details.items()
            )
            who = change.author or "unknown"
            print(
                f"{change.at:%Y-%m-%d %H:%M:%S} {who}: {change.action} "
                f"{change.table_name} {change.row_id}: {what}"
            )


def _serve(sessions: Sessions, arguments: Namespace) -> None:
    from almanac.web.server import serve

    serve(sessions, arguments.host, arguments.port)


def _gui(sessions: Sessions, arguments: Namespace) -> int:
    try:
        from almanac.window import show
    except ImportError as error:
        raise AlmanacError(
            f"This program has no window, {error.name} is missing: install almanac[gui]."
        ) from None
    return show(sessions)


def _texts(arguments: Namespace) -> dict[str, str]:
    return {name: value for name, value in vars(arguments).items() if isinstance(value, str)}


def _day(text: str) -> date:
    try:
        return forms.read_day(text)
    except ValueError:
        raise InvalidInputError({"on": "Write the date as YYYY-MM-DD."}) from None


def _line(appointment: Appointment, with_day: bool) -> str:
    when = f"{appointment.starts:%H:%M}-{appointment.ends:%H:%M}"
    place = f" ({appointment.place.name})" if appointment.place else ""
    day = f"{appointment.starts.date()} " if with_day else ""
    return f"{day}{when} {appointment.title}: {appointment.person.name}{place}"


COMMANDS = {
    "add-person": _add_person,
    "add": _add,
    "list": _list,
    "history": _history,
    "serve": _serve,
    "gui": _gui,
}
