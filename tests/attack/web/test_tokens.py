"""Tokens: what a stolen one may do, and what one that was made up costs."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from tests.attack.web_site import API, client, running
from tests.support.machine import wait_for

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("tokens")) as made:
        made.wait_for_run(1, "waiting")
        yield made


def bearer(site, token, **options):
    headers = {"Authorization": f"Bearer {token}"}
    return client(site, headers=headers, **options)


def make(site, name, person="dave", **more):
    with client(site, person) as signed:
        made = signed.post(API + "tokens", json={"name": name, **more})
        assert made.status_code == 201, made.text
        return made.json()["token"], made.json()["item"]["id"]


def rows(site):
    with closing(sqlite3.connect(site.state / "state.sqlite", timeout=30)) as database:
        return {
            table: database.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
            for table in ("slipway_token", "slipway_audit", "slipway_run", "slipway_gate")
        }


def made_up():
    return f"slw_{secrets.token_urlsafe(32)}"


@pytest.mark.parametrize("person", ["dave", "ada"])
def test_a_token_makes_no_token(site, person):
    text, number = make(site, f"of {person}", person, days=1)
    before = rows(site)
    with bearer(site, text) as thief:
        for body in (
            {"name": "for ever", "days": 3650},
            {"name": "the same", "days": 1},
            {"name": "small", "days": 0.01, "roles": ["viewer"]},
        ):
            refused = thief.post(API + "tokens", json=body)
            assert refused.status_code == 403, refused.text
            assert "a token makes no token" in refused.json()["error"]
        assert rows(site) == before
        # What it is for goes on; what ends it ends it all.
        assert thief.get(API + "me").json()["name"] == person
        with client(site, person) as owner:
            assert owner.post(f"{API}tokens/{number}/revoke", json={}).status_code == 200
        assert thief.get(API + "me").status_code == 401


def test_a_token_does_not_become_a_session(site):
    text, _ = make(site, "to sign in with")
    with bearer(site, text) as thief:
        for path in ("", "config", API + "me", "auth/login", "auth/logout"):
            thief.get(path)
        # Signing out hands out a session, of nobody.
        del thief.headers["Authorization"]
        assert thief.get(API + "me").json()["anonymous"] is True


def test_a_token_of_few_roles_never_has_more(site):
    text, _ = make(site, "looks", "ada", roles=["viewer"])
    with bearer(site, text) as looks:
        me = looks.get(API + "me").json()
        assert {what for what, may in me["may"].items() if may} == {
            "look",
            "notice.own",
            "token.own",
        }
        for path in ("runs", "polls"):
            body = {"project": "demo"}
            assert looks.post(API + path, json=body).status_code == 403
    with client(site, "vera") as vera:
        wide = vera.post(API + "tokens", json={"name": "wide", "roles": ["admin"]})
        assert wide.status_code == 400
        assert vera.get(API + "tokens").json()["items"] == []
        number = make(site, "not hers")[1]
        assert vera.post(f"{API}tokens/{number}/revoke", json={}).status_code == 404


def test_a_token_that_ends_is_refused_from_that_second_on(site):
    text, number = make(site, "short", days=3 / 86400)
    with bearer(site, text) as one:
        assert one.get(API + "me").status_code == 200
        wait_for(lambda: one.get(API + "me").status_code == 401, lambda: "it is still good")
        listed = json.loads(site.run_slipway("token", "list", "--json").stdout)
        assert next(row for row in listed if row["id"] == number)["revoked_at"] is None


def test_one_made_a_moment_ago_is_good_at_once_whoever_guesses(site):
    with client(site) as stranger:
        for _ in range(30):
            stranger.get(API + "me", headers={"Authorization": f"Bearer {made_up()}"})
    text, _ = make(site, "new")
    with bearer(site, text) as one:
        assert one.get(API + "me").status_code == 200


def last_used(site, number):
    listed = json.loads(site.run_slipway("token", "list", "--json").stdout)
    return next(row for row in listed if row["id"] == number)["last_used_at"]


def test_its_use_is_written_down_beside_the_request(site):
    text, number = make(site, "used")
    with bearer(site, text) as one:
        assert one.get(API + "me").status_code == 200
    wait_for(lambda: last_used(site, number), lambda: "its use is never noted")


def test_guesses_of_tokens_end_in_429_for_their_address_alone(site):
    good, _ = make(site, "beside guesses")
    with client(site) as stranger, bearer(site, good) as known:
        said = set()
        for _ in range(60):
            told = stranger.get(API + "me", headers={"Authorization": f"Bearer {made_up()}"})
            said.add(told.status_code)
            assert told.status_code in {401, 429}
        assert 429 in said
        # The good one of the same address passes, and who has none still looks around.
        assert known.get(API + "me").status_code == 200
        assert stranger.get(API + "me").status_code == 200
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.9")
    with client(site, transport=elsewhere) as other:
        told = other.get(API + "me", headers={"Authorization": f"Bearer {made_up()}"})
        assert told.status_code == 401


def test_made_up_tokens_take_no_turn_of_the_ledger(site):
    """Another process holds the ledger's write lock: tokens are told all the same."""
    text, number = make(site, "while others write")
    with bearer(site, text) as known, client(site) as stranger:
        assert known.get(API + "me").status_code == 200
        wait_for(lambda: last_used(site, number), lambda: "its use is never noted")
        database = sqlite3.connect(site.state / "state.sqlite", timeout=30, isolation_level=None)
        with closing(database):
            database.execute("begin immediate")
            began = time.monotonic()
            assert known.get(API + "me").status_code == 200
            guess = {"Authorization": f"Bearer {made_up()}"}
            assert stranger.get(API + "me", headers=guess).status_code in {401, 429}
            assert time.monotonic() - began < 25
            database.execute("rollback")


def test_a_run_starts_while_thirty_guess_tokens(site):
    """Each guess costs nearly nothing: none is looked up alone."""
    stop, said = threading.Event(), []

    def guess(_number):
        with client(site) as stranger:
            while not stop.is_set():
                headers = {"Authorization": f"Bearer {made_up()}"}
                said.append(stranger.get(API + "me", headers=headers).status_code)

    with client(site, "dave") as dave, ThreadPoolExecutor(30) as pool:
        guesses = [pool.submit(guess, number) for number in range(30)]
        try:
            wait_for(lambda: len(said) > 30, lambda: "nobody guesses")
            before = len(said)
            started = dave.post(API + "runs", json={"project": "demo"})
            assert started.status_code == 201, started.text
            site.wait_for_run(started.json()["number"], "waiting")
            wait_for(lambda: len(said) > before, lambda: "nobody guesses any more")
        finally:
            stop.set()
        for one in guesses:
            one.result()
    assert set(said) <= {401, 429}
