"""Passwords guessed by force: slowly, and nobody who knows theirs is kept out by it."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.attack.web_site import API, WORD, client, running
from tests.support.machine import wait_for

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("guesses")) as made:
        yield made


def signs_in(site, name="vera", word=WORD, address="127.0.0.1", cookies=None):
    """Return the status that an attempt ends with, and the cookies it leaves."""
    wire = httpx.HTTPTransport(local_address=address)
    with client(site, transport=wire, cookies=cookies, timeout=120) as one:
        answer = one.get("auth/login", auth=(name, word))
        return answer.status_code, {one.name: one.value for one in one.cookies.jar}


@dataclass
class Guessing:
    """Somebody who guesses for as long as it lasts."""

    stop: threading.Event = field(default_factory=threading.Event)
    said: list[int] = field(default_factory=list)


@contextlib.contextmanager
def guessing(site: Any, names: list[str], hands: int, address: str = "127.0.0.1") -> Any:
    """Guess with so many connections at once, as fast as the site answers."""
    made = Guessing()

    def guess(number: int) -> None:
        wire = httpx.HTTPTransport(local_address=address)
        with client(site, transport=wire, timeout=120) as one:
            while not made.stop.is_set():
                name = names[number % len(names)]
                answer = one.get("auth/login", auth=(name, f"a guess {len(made.said)}"))
                made.said.append(answer.status_code)

    with ThreadPoolExecutor(hands) as pool:
        working = [pool.submit(guess, number) for number in range(hands)]
        try:
            wait_for(lambda: len(made.said) >= 6, lambda: f"{made.said}")
            yield made
        finally:
            made.stop.set()
        for one in working:
            one.result()
    assert set(made.said) <= {401, 429, 503}, set(made.said)


def test_twenty_five_guesses_lock_nobody_out(site):
    browsers = {"dave": signs_in(site, "dave")[1]}
    with guessing(site, ["vera", "dave", "admin", "nobody"], 4) as guesses:
        wait_for(lambda: len(guesses.said) >= 25, lambda: f"{len(guesses.said)} guesses")
        # The host's own command line, from the very address.
        done = site.run_slipway("poll")
        assert done.returncode == 0, done.stderr
        # Another address, the same name; another name, the same address; a browser of hers.
        assert signs_in(site, "vera", address="127.0.0.8")[0] == 302
        assert signs_in(site, "ada")[0] == 302
        assert signs_in(site, "dave", cookies=browsers["dave"])[0] == 302
    # The very name from the very address waits for the end of a pause, and comes in.
    began = time.monotonic()
    assert signs_in(site, "vera")[0] == 302
    assert time.monotonic() - began < 60


def test_one_guess_at_the_end_of_each_pause_keeps_nobody_out(site):
    with guessing(site, ["vera"], 1):
        for name in ("ada", "vera", "vera"):
            assert signs_in(site, name)[0] == 302


def test_guesses_are_slow(site):
    """Many hands guess no faster than one: they stand in one line."""
    with guessing(site, ["dave"], 12, "127.0.0.30") as guesses:
        wait_for(lambda: guesses.said.count(401) >= 7, lambda: f"{guesses.said}")
        began, before = time.monotonic(), guesses.said.count(401)
        wait_for(lambda: guesses.said.count(401) >= before + 2, lambda: f"{guesses.said}")
        assert time.monotonic() - began > 3
    assert 429 in guesses.said


def test_names_that_nobody_has_cost_no_hash_once_there_are_many(site):
    names = [f"nobody{number}" for number in range(400)]
    busy = site.master().cpu_times().user
    address = "127.0.0.40"
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda name: signs_in(site, name, "x", address)[0], names))
    assert set(said) <= {401, 429, 503}
    assert site.master().cpu_times().user - busy < 60
    # Somebody behind the same address signs in.
    assert signs_in(site, "ada", address=address)[0] == 302


def test_a_browsers_cookie_is_for_its_name_and_signs_nobody_in(site):
    cookies = signs_in(site, "vera")[1]
    assert set(cookies) == {"SLIPWAY_BROWSER", "TWISTED_SESSION"}
    kept = {"SLIPWAY_BROWSER": cookies["SLIPWAY_BROWSER"]}
    assert "vera" not in kept["SLIPWAY_BROWSER"]
    with client(site, cookies=kept) as one:
        assert one.get(API + "me").json()["anonymous"] is True
    assert signs_in(site, "vera", "wrong", cookies=kept)[0] == 401
    with client(site) as one:
        sent = one.get("auth/login", auth=("vera", WORD)).headers.get_list("set-cookie")
        mark = next(line for line in sent if line.startswith("SLIPWAY_BROWSER"))
        assert "HttpOnly" in mark
        assert "Path=/auth" in mark


@pytest.mark.parametrize(
    "name", ["", ":", "a" * 5000, "ann\r\nset-cookie: x", "\u202eadmin", "ADMIN"]
)
def test_odd_names_are_refused(site, name):
    status, cookies = signs_in(site, name, "x", "127.0.0.50")
    assert status == 401
    assert cookies == {}
    assert "Traceback" not in site.said()


def test_a_redirect_stays_here_and_its_header_is_one_line(site):
    for target in ("//evil.example.org", "%0d%0aSet-Cookie:%20x=1", "https://evil.example.org"):
        with client(site) as one:
            answer = one.get(f"auth/login?redirect={target}", auth=("ada", WORD))
            assert answer.status_code == 302
            assert answer.headers["location"].startswith("/#")
            assert "x" not in one.cookies
