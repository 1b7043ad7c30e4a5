"""What the tests share: a fresh book each, copied from one that was migrated once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from almanac import book, forms
from almanac.database import VARIABLE, Sessions, close_book, open_book
from almanac.models import Appointment, Person
from almanac.web import create_app


@pytest.fixture(scope="session")
def empty_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "empty.db"
    close_book(open_book(f"sqlite:///{path}"))
    return path


@pytest.fixture
def url(empty_book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = shutil.copy(empty_book, tmp_path / "book.db")
    monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    return f"sqlite:///{path}"


@pytest.fixture
def sessions(url: str) -> Iterator[Sessions]:
    opened = open_book(url, author="tests")
    yield opened
    close_book(opened)


@pytest.fixture
def client(sessions: Sessions) -> FlaskClient:
    return create_app(sessions, secret="for tests").test_client()


def person(name: str = "Ann Lee", email: str = "ann@example.org") -> Person:
    return Person(name=name, email=email, active=True)


def appointment_fields(**changed: str) -> dict[str, str]:
    fields = {"title": "Check", "person": "ann@example.org", "day": "2026-12-01"}
    return fields | {"begins": "09:00", "finishes": "09:30", "kind": "visit"} | changed


def add_appointment(sessions: Sessions, **changed: str) -> Appointment:
    data = forms.read_appointment(appointment_fields(**changed))
    with sessions.begin() as session:
        saved = book.save_appointment(session, data)
        session.expunge_all()
    return saved
