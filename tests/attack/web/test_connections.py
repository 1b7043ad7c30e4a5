"""Connections: many, slow, half-open, never read."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.attack.web_site import API, client, connect, rest, running, send, status
from tests.support.machine import wait_for

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("connections")) as made:
        made.wait_for_run(1, "waiting")
        yield made


def open_files(site):
    return site.master().num_fds()


def hold(site, stack, count, text=b"", addresses=("127.0.0.1",)):
    """Open connections that do nothing more, wherever the site lets them."""
    for number in range(count):
        with contextlib.suppress(OSError):
            wire = stack.enter_context(connect(site, addresses[number % len(addresses)]))
            wire.sendall(text)


def serves(site, times=3):
    """Whether people are served, who have come before and who come now."""
    for _ in range(times):
        with client(site, timeout=30) as anyone:
            assert anyone.get(API + "me").status_code == 200
    with client(site, "dave", timeout=30) as dave:
        started = dave.post(API + "polls", json={})
        assert started.status_code == 202, started.text


@pytest.mark.parametrize("text", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_thousand_connections_of_one_address_keep_nobody_out(site, text):
    with client(site, "dave", timeout=30) as before, contextlib.ExitStack() as stack:
        hold(site, stack, 1000, text)
        assert open_files(site) < 300
        serves(site)
        assert before.get(API + "me").json()["name"] == "dave"
        done = site.run_slipway("poll")
        assert done.returncode == 0, done.stderr
    wait_for(lambda: open_files(site) < 100, lambda: f"{open_files(site)} files stay open")


def test_who_comes_while_the_master_is_busy_stands_in_line(site):
    """The kernel lets a hundred in at once: none has to knock again, a second later."""
    master = site.master()
    master.suspend()
    try:
        with contextlib.ExitStack() as stack:
            for number in range(100):
                address = (f"127.0.2.{number + 1}", 0)
                door = ("127.0.0.1", site.web_port)
                stack.enter_context(socket.create_connection(door, 0.5, source_address=address))
            master.resume()
            serves(site)
    finally:
        master.resume()


def test_a_thousand_of_many_addresses_do_not_either(site):
    addresses = [f"127.0.1.{number}" for number in range(1, 101)]
    with contextlib.ExitStack() as stack:
        hold(site, stack, 1000, b"GET /", addresses)
        assert open_files(site) < 700
        serves(site)
    wait_for(lambda: open_files(site) < 100, lambda: f"{open_files(site)} files stay open")


@pytest.mark.attack
def test_headers_that_come_letter_by_letter_end(site):
    with connect(site) as wire:
        began = time.monotonic()
        wire.sendall(b"GET / HTTP/1.1\r\nX: ")
        wire.settimeout(0.5)
        answer = b""
        while not answer and time.monotonic() - began < 60:
            with contextlib.suppress(TimeoutError):
                wire.sendall(b"y")
                answer = wire.recv(1000)
        assert status(answer) == 408, answer
        assert time.monotonic() - began < 60
        wire.settimeout(60)
        rest(wire)


@pytest.mark.attack
@pytest.mark.parametrize("length", ["Content-Length: 200000", "Transfer-Encoding: chunked"])
def test_bodies_that_come_letter_by_letter_end(site, length):
    told = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    with connect(site) as wire:
        began = time.monotonic()
        wire.sendall(told.encode())
        wire.settimeout(0.5)
        answer = b""
        while not answer and time.monotonic() - began < 90:
            with contextlib.suppress(TimeoutError):
                wire.sendall(b"1\r\ny\r\n" if "chunked" in length else b"y")
                answer = wire.recv(1000)
        assert status(answer) == 408, answer


@pytest.mark.attack
def test_who_takes_no_answer_is_cut(site):
    """Requests whose answers nobody reads hold what they take for a minute, not for ever."""
    with contextlib.ExitStack() as stack:
        before = open_files(site)
        for _ in range(20):
            wire = stack.enter_context(connect(site))
            with contextlib.suppress(OSError):
                for _ in range(2000):
                    wire.sendall(b"GET /plugins/slipway/scripts.js HTTP/1.1\r\nHost: x\r\n\r\n")
        serves(site)
        wait_for(
            lambda: open_files(site) <= before + 5,
            lambda: f"{open_files(site)} files are open, {before} were",
            150,
        )


def test_an_answer_is_whole_for_who_reads_slowly(site):
    with connect(site) as wire:
        wire.sendall(
            b"GET /plugins/slipway/scripts.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += wire.recv(1)
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = head.partition(b"\r\n\r\n")[2]
        while len(body) < size:
            time.sleep(0.01)
            body += wire.recv(20_000)
        assert len(body) == size


def test_what_is_no_http_is_refused(site):
    for told in (
        b"\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        assert status(send(site, told + b"x\r\n\r\n")) in {0, 400, 405, 505}
    serves(site, 1)
