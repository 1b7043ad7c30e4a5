"""Websockets and streams of events: many, huge, in floods, never read, or left by their person."""

from __future__ import annotations

import contextlib
import json
import select
import time

import pytest

from tests.attack.web_site import API, ask, client, connect, frame, rest, running, shake, status
from tests.support.machine import wait_for

pytestmark = pytest.mark.live

MEGABYTE = 1 << 20
#: For master.cfg: whether a stream's person may still look is asked every 2 seconds, not 60.
ASKED = """
from slipway.master.web_server import streams
assert streams._ASKED > 2.0
streams._ASKED = 2.0
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("streams"), config=ASKED) as made:
        made.wait_for_run(1, "waiting")
        yield made


def ends(wire, patience=60):
    """Whether the other side closes the connection."""
    return rest(wire, patience) is not None


def held(site):
    return site.master().memory_info().rss


def serves(site):
    with client(site, "dave") as dave:
        assert dave.get(API + "me").json()["name"] == "dave"
        assert dave.post(API + "polls", json={}).status_code == 202


def test_what_it_is_for_works(site):
    wire, code = shake(site)
    with wire:
        assert code == 101
        wire.sendall(ask(cmd="startConsuming", path="builds/*/*", _id=1))
        assert b'"code":200' in wire.recv(1000)
        wire.sendall(frame(b"hello", 9))
        assert b"hello" in wire.recv(1000)
        for number in range(100):
            wire.sendall(ask(cmd="ping", _id=number))
        found = b""
        while found.count(b"pong") < 100:
            found += wire.recv(10_000)


@pytest.mark.parametrize(
    "message",
    [
        b"x" * 5000,
        b"y" * (20 * MEGABYTE),
        b"[" * 4000,
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"cmd": 5, "_id": 1}',
        b'{"cmd": "startConsuming", "path": {"a": 1}, "_id": 1}',
        json.dumps({"cmd": "startConsuming", "path": "x" * 3000, "_id": 1}).encode(),
    ],
)
def test_messages_that_are_none_end_it(site, message):
    before = held(site)
    wire, code = shake(site)
    with wire:
        assert code == 101
        with contextlib.suppress(ConnectionError):
            wire.sendall(frame(message))
        assert ends(wire)
    assert held(site) - before < 15 * MEGABYTE
    assert "Traceback" not in site.said()


def flooded(wire, block):
    """Send without an end, and read what comes: else a wire that is full would end it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        wire.sendall(block)
        while select.select([wire], [], [], 0)[0]:
            if not wire.recv(65536):
                return
    pytest.fail("a flood goes on for a minute")


@pytest.mark.parametrize("flood", [ask(cmd="ping", _id=1), frame(b"", 9), frame(b"x" * 100, 10)])
def test_floods_end_it(site, flood):
    wire, code = shake(site)
    assert code == 101
    with wire, contextlib.suppress(ConnectionError):
        flooded(wire, flood * 100)
    serves(site)


def test_one_may_not_follow_everything_a_thousand_times(site):
    wire, code = shake(site)
    with wire, contextlib.suppress(OSError):
        assert code == 101
        for number in range(2000):
            wire.sendall(ask(cmd="startConsuming", path=f"builds/{number}/*", _id=number))
        assert ends(wire)
    serves(site)


def test_sockets_and_streams_of_one_address_are_bounded_and_a_persons_are_apart(site):
    with contextlib.ExitStack() as stack:
        codes = []
        for _ in range(100):
            wire, code = shake(site, address="127.0.0.60")
            stack.enter_context(wire)
            codes.append(code)
        assert codes == [101] * 60 + [429] * 40
        # Others, and who has signed in, still follow what happens.
        other, code = shake(site, address="127.0.0.61")
        stack.enter_context(other)
        assert code == 101
        with client(site, "dave") as dave:
            cookie = "; ".join(f"{one.name}={one.value}" for one in dave.cookies.jar)
            wire, code = shake(site, f"Cookie: {cookie}", address="127.0.0.60")
            stack.enter_context(wire)
            assert code == 101
        with connect(site, "127.0.0.60") as wire:
            wire.sendall(b"GET /sse/listen/builds/*/* HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(wire.recv(1000)) == 429

    # Who goes makes room.
    def opens():
        wire, code = shake(site, address="127.0.0.60")
        wire.close()
        return code == 101

    wait_for(opens, lambda: "there is no room again")


def test_streams_of_events_are_bounded(site):
    with client(site, timeout=30) as one, one.stream("GET", "sse/listen?a=1&a=2") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: handshake"
        number = next(lines).partition("data: ")[2]
        with client(site) as other:
            said = [other.get(f"sse/add/{number}/builds/{n}/*").status_code for n in range(310)]
            assert said == [200] * 300 + [429] * 10
            assert other.get(f"sse/listen/{'x' * 5000}").status_code == 429
            assert other.get("sse/add/nobody/x").status_code == 400
            assert other.get(f"sse/remove/{number}/builds/1/*").status_code == 200
    assert "Traceback" not in site.said()


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://127.0.0.1:1", ""])
def test_pages_of_other_sites_open_none(site, origin):
    wire, code = shake(site, f"Origin: {origin}")
    with wire:
        assert code == 403


def test_it_ends_with_the_token_that_opened_it(site):
    """Not at once, but within so many seconds: nobody asks the ledger for each message."""
    with client(site, "dave") as dave:
        made = dave.post(API + "tokens", json={"name": "to follow"}).json()
        bearer = f"Authorization: Bearer {made['token']}"
        wire, code = shake(site, bearer)
        with wire:
            assert code == 101
            dave.post(f"{API}tokens/{made['item']['id']}/revoke", json={})
            assert ends(wire, 150)


@pytest.mark.attack
def test_who_reads_nothing_piles_nothing_up(site):
    before = held(site)
    with contextlib.ExitStack() as stack:
        wires = []
        for _ in range(40):
            wire, code = shake(site)
            assert code == 101
            wire.sendall(ask(cmd="startConsuming", path="*/*/*", _id=1))
            wires.append(stack.enter_context(wire))
        for _ in range(20):
            serves(site)
        assert held(site) - before < 60 * MEGABYTE
