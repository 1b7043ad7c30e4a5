"""Tokens: shown once, kept as a hash, good until revoked or expired."""

import hashlib

import pytest
from sqlalchemy import select

from slipway.ledger import tokens
from slipway.ledger.tokens import (
    PREFIX,
    Token,
    create,
    digest,
    good,
    list_tokens,
    note_use,
    revoke,
    well_formed,
)
from slipway.model.errors import WrongInput


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(tokens.time, "time", lambda: Clock.now)
    return Clock


def who(session, text):
    """Return whose a token is, as the door asks for it."""
    found = tokens.who(session, digest(text))
    assert (digest(text) in good(session)) is (found is not None)
    return found and found[1]


@pytest.fixture
def made(session, clock):
    return create(session, "ann", "ci", ["developer"], 1, "the test")


@pytest.mark.slow
def test_a_token_is_known_by_its_hash_alone(session, made):
    view, text = made
    assert text.startswith(PREFIX)
    assert len(text) == len(PREFIX) + 43
    row = session.scalar(select(Token))
    assert row.sha256 == hashlib.sha256(text.encode()).hexdigest()
    told = [str(value) for value in vars(row).values()] + [repr(view)]
    assert not any(text in one for one in told)


def test_it_says_whose_it_is_and_what_it_may(session, made):
    person = who(session, made[1])
    assert (person.name, person.via) == ("ann", "token:1")
    assert person.roles == {"viewer", "developer"}


@pytest.mark.parametrize("text", ["", "slw_", "slw_" + "x" * 43, "ann", "slw_é\0"])
def test_what_is_none_is_nobodys(session, made, text):
    assert who(session, text) is None


def test_its_form_is_seen_before_anything_is_asked(made):
    assert well_formed(made[1])
    for text in ("", "slw_", made[1] + "x", made[1][:-1], made[1] + "\n", "slw_" + "é" * 43):
        assert not well_formed(text)


def test_it_ends_with_its_days(session, made, clock):
    clock.now += 86399
    assert who(session, made[1]) is not None
    clock.now += 1
    assert who(session, made[1]) is None
    assert list_tokens(session)[0].state_at(clock.now) == "expired"


def test_it_ends_when_it_is_revoked(session, made, clock):
    clock.now += 5
    assert revoke(session, 1).revoked_at == 1005.0
    assert who(session, made[1]) is None
    clock.now += 5
    assert revoke(session, 1).revoked_at == 1005.0


def test_the_tokens_of_others_are_not_there(session, made):
    for number, person in ((1, "bob"), (2, None), (2, "ann")):
        with pytest.raises(WrongInput, match="there is no token"):
            revoke(session, number, person)
    assert list_tokens(session, "bob") == []
    assert who(session, made[1]) is not None


def test_asking_writes_nothing_and_its_use_is_noted_apart(session, made, clock):
    clock.now += 30
    who(session, made[1])
    assert not session.dirty
    assert list_tokens(session)[0].last_used_at is None
    note_use(session, 1)
    note_use(session, 99)
    assert list_tokens(session)[0].last_used_at == 1030.0


@pytest.mark.parametrize(
    ("name", "roles", "days", "told"),
    [
        ("ci", ["viewer"], 1, "has a token"),
        ("", ["viewer"], 1, "1 to 100 printable"),
        ("a\nb", ["viewer"], 1, "1 to 100 printable"),
        ("x" * 101, ["viewer"], 1, "1 to 100 printable"),
        ("new", [], 1, "has no role"),
        ("new", ["viewer"], 0, "more than 0"),
        ("new", ["viewer"], float("nan"), "more than 0"),
        ("new", ["viewer"], 1e9, "at most 3650"),
    ],
)
def test_what_cannot_be_made_is_told(session, made, name, roles, days, told):
    with pytest.raises(WrongInput, match=told):
        create(session, "ann", name, roles, days, "the test")
    assert len(list_tokens(session)) == 1


def test_a_name_may_be_used_again_after_its_token_is_gone(session, made):
    revoke(session, 1)
    assert create(session, "ann", "ci", ["viewer"], 1, "the test")[0].id == 2
