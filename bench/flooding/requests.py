"""Floods that come over HTTP: each goes on until its end, and counts what it was answered."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe

import httpx

from tests.attack.web_site import API, ask, client, connect, frame, send, shake, status

MEGABYTE = 1 << 20
#: Not the address of who asks beside the flood: what is limited by address must not limit them.
ADDRESS = "127.0.0.9"
#: Nothing is encrypted here; made once, as it costs more than a request.
PLAIN = ssl.create_default_context()
JSON = {"Content-Type": "application/json"}
CUT = "cut off"
PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
BODIES = (
    b"[" * 200_000,
    b'{"values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"project": ' + b"9" * 200_000 + b"}",
    b"[" + b" " * MEGABYTE + b"]",
)


@dataclass
class Flood:
    """One flood of a site, for so many seconds; it can be sent to a process of its own."""

    url: str
    web_port: int
    seconds: float
    answers: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Begin to count the seconds."""
        self._end = time.monotonic() + self.seconds

    def has_time(self) -> bool:
        """Return True if there is time left."""
        return time.monotonic() < self._end

    def hands(self, count: int, work: Callable[[], None]) -> None:
        """Do the same again and again with so many hands at once, until it is over."""

        def one() -> None:
            while self.has_time():
                try:
                    work()
                except (OSError, httpx.HTTPError):
                    self.answers[CUT] += 1

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def browse(self, ask_on: Callable[[httpx.Client], httpx.Response], name: str = "") -> None:
        """Ask on one connection until it is over."""
        wire = httpx.HTTPTransport(local_address=ADDRESS, verify=PLAIN)
        with client(self, name, transport=wire) as one:
            while self.has_time():
                self.answers[str(ask_on(one).status_code)] += 1


def tokens(flood: Flood) -> None:
    """30 connections with bearer tokens that are made up, each time another."""

    def guess(one: httpx.Client) -> httpx.Response:
        made_up = {"Authorization": f"Bearer slw_{token_urlsafe(32)}"}
        return one.get(f"{API}runs", headers=made_up)

    flood.hands(30, lambda: flood.browse(guess))


def bodies(flood: Flood) -> None:
    """Four send multipart bodies of 50 MB, not signed in."""
    kind = b"Content-Type: multipart/form-data; boundary=x\r\n"
    size = f"Content-Length: {len(PART) + 50 * MEGABYTE}\r\n\r\n".encode()
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\n" + kind + size + PART + b"y" * 50 * MEGABYTE

    def post() -> None:
        flood.answers[str(status(send(flood, head, ADDRESS)))] += 1

    flood.hands(4, post)


def guesses(flood: Flood) -> None:
    """Eight guess the passwords of three people and of nobody."""
    names = ["vera", "ada", "admin", token_urlsafe(4)]

    def guess(one: httpx.Client) -> httpx.Response:
        name = names[flood.answers.total() % len(names)]
        return one.get("auth/login", auth=(name, token_urlsafe(8)))

    flood.hands(8, lambda: flood.browse(guess))


def connections(flood: Flood) -> None:
    """1,000 connections of one address, opened again as they are cut off."""
    _keep_open(flood, 1000, b"GET / HT", b"")


def slow(flood: Flood) -> None:
    """60 requests of which a byte comes each second."""
    _keep_open(flood, 60, b"GET / HTTP/1.1\r\nX: ", b"y")


def _keep_open(flood: Flood, count: int, text: bytes, more: bytes) -> None:
    with contextlib.ExitStack() as stack:
        wires: list[socket.socket] = []
        while flood.has_time():
            turn = time.monotonic() + 1
            for _ in range(count - len(wires)):
                if not flood.has_time():
                    return
                try:
                    wire = stack.enter_context(connect(flood, ADDRESS))
                    wire.sendall(text)
                except OSError:
                    flood.answers[CUT] += 1
                    continue
                wire.settimeout(0)
                wires.append(wire)
                flood.answers["opened"] += 1
            time.sleep(max(0, turn - time.monotonic()))
            held = []
            for wire in wires:
                with contextlib.suppress(OSError):
                    wire.send(more)
                    try:
                        wire.recv(1000)
                    except BlockingIOError:
                        held.append(wire)
                        continue
                wire.close()
                flood.answers[CUT] += 1
            wires = held


def websockets(flood: Flood) -> None:
    """Eight open websockets, follow everything, and send pings until they are cut off."""
    block = ask(cmd="ping", _id=1) * 100

    def follow() -> None:
        wire, code = shake(flood, address=ADDRESS)
        flood.answers[str(code)] += 1
        with wire:
            wire.settimeout(5)
            wire.sendall(ask(cmd="startConsuming", path="*/*/*", _id=1) + frame(b"", 9))
            while flood.has_time():
                wire.sendall(block)
                if not wire.recv(65536):
                    break

    flood.hands(8, follow)


def events(flood: Flood) -> None:
    """30 open a stream of events, have it follow 100 things more, and open the next."""

    def follow() -> None:
        wire = httpx.HTTPTransport(local_address=ADDRESS, verify=PLAIN)
        with client(flood, transport=wire) as one, one.stream("GET", "sse/listen") as answer:
            flood.answers[str(answer.status_code)] += 1
            lines = answer.iter_lines()
            next(lines)
            number = next(lines).partition("data: ")[2]
            for thing in range(100):
                if flood.has_time():
                    added = one.get(f"sse/add/{number}/builds/{thing}/*")
                    flood.answers[f"{added.status_code} to add"] += 1

    flood.hands(30, follow)


def bodies_json(flood: Flood) -> None:
    """Four who have signed in send JSON that is too deep, too long, or no number."""

    def post(one: httpx.Client) -> httpx.Response:
        body = BODIES[flood.answers.total() % len(BODIES)]
        return one.post(f"{API}runs", content=body, headers=JSON)

    flood.hands(4, lambda: flood.browse(post, "ada"))


def choices(flood: Flood) -> None:
    """40 ask for a gate whose choices a program tells, not signed in."""
    flood.hands(40, lambda: flood.browse(lambda one: one.get(f"{API}gates/1")))


#: By the names that the command line has.
REQUESTS: dict[str, Callable[[Flood], None]] = {
    "tokens": tokens,
    "bodies": bodies,
    "guesses": guesses,
    "connections": connections,
    "slow": slow,
    "websockets": websockets,
    "events": events,
    "json": bodies_json,
    "choices": choices,
}


def work(name: str, flood: Flood) -> Counter[str]:
    """Flood a site, and return how often it was answered what."""
    flood.begin()
    REQUESTS[name](flood)
    return flood.answers
