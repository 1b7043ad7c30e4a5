"""The web pages, without a browser."""

from __future__ import annotations

import re

import pytest
from conftest import add_appointment, appointment_fields, person
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from almanac import __version__
from almanac.database import Sessions
from almanac.models import Appointment, Person


def send(client: FlaskClient, path: str, fields: dict[str, str]) -> TestResponse:
    """Open a form, and send it back with its token."""
    token = re.search(r'name="csrf_token" value="(\w+)"', client.get(path).text)
    assert token
    data = fields | {"csrf_token": token[1]}
    return client.post(path, data=data, follow_redirects=True)


@pytest.fixture
def ann(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(person())


def test_the_front_page_is_today(client: FlaskClient) -> None:
    answer = client.get("/", follow_redirects=True)
    assert re.fullmatch(r"/day/\d{4}-\d\d-\d\d", answer.request.path)
    assert "No appointments on this day." in answer.text


@pytest.mark.usefixtures("ann")
def test_an_appointment_is_added_changed_and_deleted(client: FlaskClient) -> None:
    answer = send(client, "/appointments/new", appointment_fields(fee="45", place="Room 1"))
    assert answer.request.path == "/day/2026-12-01"
    assert "“Check” was saved." in answer.text
    assert "Ann Lee, Room 1" in answer.text
    answer = send(client, "/appointments/1", appointment_fields(title="Longer", day="2026-12-02"))
    assert "<title>Wednesday 2 December 2026 - Almanac</title>" in answer.text
    assert "Delete “Longer”?" in client.get("/appointments/1/delete").text
    answer = send(client, "/appointments/1/delete", {})
    assert "No appointments on this day." in answer.text
    assert client.get("/appointments/1").status_code == 404


@pytest.mark.usefixtures("ann")
def test_problems_stand_beside_their_fields(client: FlaskClient) -> None:
    answer = send(client, "/appointments/new", appointment_fields(title="", finishes="08:00"))
    assert answer.status_code == 422
    assert '<p class="problem" id="title-problem">Please fill this in.</p>' in answer.text
    assert (
        'id="finishes" name="finishes" value="08:00" aria-required="true" aria-invalid'
        in answer.text
    )


def test_every_field_has_its_label(client: FlaskClient) -> None:
    for path in ("/appointments/new", "/people/new", "/day/2026-12-01"):
        page = client.get(path).text
        shown = re.findall(r'<(?:input type="(?!hidden)|select)[^>]*\bid="(\w+)"', page)
        assert shown
        assert all(f'<label for="{name}">' in page for name in shown)


def test_a_person_is_added_changed_and_deleted(client: FlaskClient, sessions: Sessions) -> None:
    fields = {"name": "Ann Lee", "email": "ann@example.org", "active": "yes"}
    assert "Ann Lee was saved." in send(client, "/people/new", fields).text
    assert "Ann Lee already has this address." in send(client, "/people/new", fields).text
    send(client, "/people/1", fields | {"phone": "+1 555", "born": "1980-02-29"})
    add_appointment(sessions)
    with sessions() as session:
        assert session.scalars(select(Person)).one().phone == "+1 555"
    assert "One appointment goes too." in client.get("/people/1/delete").text
    assert "nobody in the book" in send(client, "/people/1/delete", {}).text
    with sessions() as session:
        assert not session.scalars(select(Appointment)).all()
    assert "delete" in client.get("/history").text


def test_a_form_without_its_token_is_refused(client: FlaskClient, sessions: Sessions) -> None:
    fields = {"name": "Ann Lee", "email": "ann@example.org", "csrf_token": "guessed"}
    assert client.post("/people/new", data=fields).status_code == 400
    client.get("/people/new")
    assert client.post("/people/new", data=fields).status_code == 400
    with sessions() as session:
        assert not session.scalars(select(Person)).all()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-11-20"])
def test_days_work_from_end_to_end_of_the_calendar(client: FlaskClient, day: str) -> None:
    answer = client.get(f"/day?on={day}", follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, f"/day/{day}")


def test_a_day_that_does_not_exist(client: FlaskClient) -> None:
    assert client.get("/day?on=soon").status_code == 422
    assert "There is no such day." in client.get("/day/2026-02-30").text


def test_typed_text_is_shown_and_not_run(client: FlaskClient) -> None:
    fields = {"name": "<script>alert(1)</script>", "email": "x@example.org", "active": "yes"}
    page = send(client, "/people/new", fields).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_machines_can_ask_for_health_and_token(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/health").json == {"status": "ok", "version": __version__}
    monkeypatch.delenv("APP_TOKEN", raising=False)
    assert client.get("/_token").status_code == 404
    monkeypatch.setenv("APP_TOKEN", "abc")
    assert client.get("/_token").text == "abc"


@pytest.mark.usefixtures("ann")
def test_somebody_quicker_is_told_beside_the_field_and_other_refusals_on_a_page(
    client: FlaskClient, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_appointment(sessions)
    monkeypatch.setattr("almanac.book._overlapping", lambda *_: None)
    answer = send(client, "/appointments/new", appointment_fields())
    assert (answer.status_code, "already has an appointment then" in answer.text) == (422, True)
    with sessions.begin() as session:
        session.execute(text("CREATE UNIQUE INDEX strange ON people (active)"))
    fields = {"name": "Bo", "email": "bo@example.org", "active": "yes"}
    answer = send(client, "/people/new", fields)
    assert answer.status_code == 500
    assert "The database refused the change: UNIQUE constraint failed" in answer.text


@pytest.mark.parametrize("name", ["style.css", "picker.js", "zoom.js", "icon.svg"])
def test_static_files_are_sent_and_cached(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_only_static_files_are_sent(client: FlaskClient) -> None:
    for path in ("/static/../files.py", "/static/..%2ffiles.py", "/static/none.css", "/static/"):
        assert client.get(path).status_code == 404
