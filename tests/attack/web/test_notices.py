"""Attacks on the rules of people and on the outbox."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.attack.web_site import API, client, running

pytestmark = pytest.mark.live
RULES = API + "notices/rules"
TABLES = ("slipway_person_rules", "slipway_delivery", "slipway_audit")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("notices")) as made:
        made.wait_for_run(1, "waiting")
        yield made


def rows(site):
    with closing(sqlite3.connect(site.state / "state.sqlite", timeout=30)) as database:
        return {
            table: database.execute(f"select * from {table} order by 1").fetchall()  # noqa: S608
            for table in TABLES
        }


def test_nobody_sets_or_sees_the_rules_of_others(site):
    before = rows(site)
    mute = {"rules": [{"tell": False}]}
    with client(site, "vera") as vera:
        for person in ("dave", "ada", "admin", "DAVE", "dave ", "nobody", "../dave"):
            answer = vera.post(RULES, json={"person": person, "rules": mute})
            assert answer.status_code in {400, 403}, answer.text
            answer = vera.get(RULES, params={"person": person})
            assert answer.status_code in {400, 403}, answer.text
        for what in ("resend", "discard"):
            assert vera.post(f"{API}outbox/{what}", json={"ids": [1]}).status_code == 403
    with client(site) as nobody:
        assert nobody.post(RULES, json={"rules": mute}).status_code == 401
        assert nobody.post(RULES, json={"person": "dave", "rules": mute}).status_code == 401
    assert rows(site) == before


def test_a_page_of_another_site_sets_nothing(site):
    before = rows(site)
    body = '{"rules": {"rules": [{"tell": false}]}}'
    with client(site, "dave") as dave:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = dave.post(RULES, content=body, headers={"Content-Type": kind})
            assert answer.status_code in {403, 415}, answer.text
        headers = {"Origin": "https://evil.example.org", "Content-Type": "application/json"}
        assert dave.post(RULES, content=body, headers=headers).status_code == 403
    assert rows(site) == before


WRONG = {
    "too many": {"rules": [{}] * 51},
    "no list": {"rules": {"0": {}}},
    "no event": {"rules": [{"events": ["run-exploded"]}]},
    "no branch": {"rules": [{"branches": ["a..b\r\nBcc: x@example.org"]}]},
    "markup": {"rules": [{"projects": ["<script>"]}]},
    "no channel": {"rules": [{"channel": "../mail"}]},
    "no zone": {"time-zone": "../../etc/passwd"},
    "long zone": {"time-zone": "Z" * 100_000},
    "no hours": {"quiet": "22:00-22:00"},
    "unknown": {"rules": [{"admin": True}]},
    "no digest": {"rules": [{"digest": "minute"}]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_rules_are_refused_at_their_field_and_change_nothing(site, wrong):
    before = rows(site)
    with client(site, "dave") as dave:
        answer = dave.post(RULES, json={"rules": WRONG[wrong]})
        assert answer.status_code == 400, answer.text
        assert all(name.startswith("rules.") for name in answer.json()["fields"])
        assert len(answer.content) < 10_000
    assert rows(site) == before


def test_bodies_that_are_too_large_are_refused_and_change_nothing(site):
    before = rows(site)
    many = {"rules": [{"branches": [f"b{number}" for number in range(10_000)]}] * 50}
    with client(site, "dave") as dave:
        assert dave.post(RULES, json={"rules": many}).status_code == 413
        assert dave.post(f"{API}outbox/discard", json={"ids": [1] * 501}).status_code in {400, 403}
    assert rows(site) == before
