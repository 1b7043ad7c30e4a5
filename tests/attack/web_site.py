"""A site that is attacked over HTTP: its people, and raw connections to its port."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx

from slipway.master.access.passwords import hash_password
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.site import command

API = "plugins/slipway/api/"
WORD = "a long word for all of them"
PEOPLE = {"vera": ["viewer"], "dave": ["developer"], "ada": ["admin"]}
STAGES = command("make", "print(1)") + command("gate", "print(2)", "make", manual="true")


class Target(Protocol):
    """Where a site answers: all that it takes to attack it."""

    url: str
    web_port: int


def write(site: LiveSite, stages: str = STAGES, more: str = "") -> None:
    """Write a pipeline.toml with people who have a password."""
    hashed = hash_password(WORD)
    people = "\n".join(
        f'[people.{name}]\npassword = "{hashed}"\nroles = {json.dumps(roles)}'
        for name, roles in PEOPLE.items()
    )
    site.write(stages)
    file = site.folder / "pipeline.toml"
    file.write_text(f"{file.read_text()}\n{people}\n{more}\n")


@contextlib.contextmanager
def running(
    folder: Path, stages: str = STAGES, more: str = "", config: str = ""
) -> Iterator[LiveSite]:
    """Start a site and end it; `config` is added to its master.cfg."""
    site = LiveSite(folder)
    with (folder / "master.cfg").open("a") as master:
        master.write(config)
    site.make_repository()
    write(site, stages, more)
    with up(site):
        yield site


@contextlib.contextmanager
def up(site: LiveSite) -> Iterator[None]:
    """Start a site that is furnished, and end it; it leaves nothing running."""
    try:
        site.up()
        yield
    finally:
        left = site.end_processes()
    assert not left, left


@contextlib.contextmanager
def client(site: Target, name: str = "", **options: Any) -> Iterator[httpx.Client]:
    """Open the web UI's doors: to somebody with a session, or to anyone."""
    with open_client(base_url=site.url, **{"timeout": 60, **options}) as made:
        if name:
            signed = made.get("auth/login", auth=(name, WORD))
            assert signed.status_code == 302, signed.text
        yield made


def connect(site: Target, address: str = "127.0.0.1") -> socket.socket:
    """Open a connection to the site's port from one of this machine's own addresses."""
    return socket.create_connection(
        ("127.0.0.1", site.web_port), timeout=60, source_address=(address, 0)
    )


def send(site: Target, text: bytes, address: str = "127.0.0.1") -> bytes:
    """Send bytes as they are, and return all that comes back until the other side closes."""
    with connect(site, address) as wire:
        # The site may have said no, and hung up, before all has been sent.
        with contextlib.suppress(ConnectionError):
            wire.sendall(text)
        return rest(wire)


def rest(wire: socket.socket, patience: float = 60) -> bytes:
    """Return what comes until the other side closes."""
    found, end = [], time.monotonic() + patience
    with contextlib.suppress(ConnectionError):
        while block := wire.recv(65536):
            found.append(block)
            assert time.monotonic() < end, b"".join(found)[-2000:]
    return b"".join(found)


def status(answer: bytes) -> int:
    """Return the status of an answer as it came; 0 where there is none."""
    words = answer.split(b"\r\n", 1)[0].split()
    return int(words[1]) if len(words) > 1 else 0


def shake(site: Target, *lines: str, address: str = "127.0.0.1") -> tuple[socket.socket, int]:
    """Open a websocket and return it with the status it was answered by."""
    wire = connect(site, address)
    key = base64.b64encode(os.urandom(16)).decode()
    told = [
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{site.web_port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *lines,
    ]
    wire.sendall(("\r\n".join(told) + "\r\n\r\n").encode())
    answer = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n\r\n" not in answer and (block := wire.recv(1)):
            answer += block
    return wire, status(answer)


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return a client's frame; masked by nothing, which is a mask, too."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + b"\0" * 4 + payload


def ask(**message: Any) -> bytes:
    """Return a message of Buildbot's as a client's frame."""
    return frame(json.dumps(message).encode())
