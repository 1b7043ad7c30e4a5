"""Servers that answer nonsense, nothing, or without end: one sentence, and it ends."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Retry, SendingSite
from slipway.notifiers.email.notifier import EmailNotifier
from slipway.notifiers.email.sender import EmailSender
from tests.notifiers.email.conftest import context

pytestmark = pytest.mark.slow
NOTICE = example_of(Event.RUN_FAILED)


@contextlib.contextmanager
def answering(talk):
    """Serve one connection by a function, and yield a sender for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError), listener.accept()[0] as peer:
                talk(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        settings = EmailNotifier(
            kind="email",
            host="127.0.0.1",
            port=listener.getsockname()[1],
            security="none",
            sender="ci@example.org",
            timeout=1,
        )
        sender = EmailSender(settings, SendingSite())
        yield sender
        sender.close()
        listener.close()
        thread.join(10)


def endless(line):
    def talk(peer):
        while True:
            peer.sendall(line)

    return talk


def cut_in_data(peer):
    """Take all but the mail's end."""
    stream = peer.makefile("rb")
    peer.sendall(b"220 hello\r\n")
    for line in stream:
        word = line[:4].upper()
        if word == b"DATA":
            peer.sendall(b"354 go on\r\n")
            stream.read(100)
            return
        peer.sendall(b"250 fine\r\n")


def drip(peer):
    peer.sendall(b"220 hello\r\n")
    while True:
        peer.sendall(b"2")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (endless(b"220-welcome\r\n"), "more than 200 lines"),
        (endless(b"x" * 1000), "Line too long"),
        (lambda peer: peer.sendall(b"\x16\x03\x01\xff\xfe\r\n"), "answers -1|cannot be used"),
        (lambda peer: peer.sendall(b""), "Connection unexpectedly closed"),
        (lambda peer: peer.sendall(b"554 go away\r\n"), "answers 554 go away"),
        (lambda _peer: time.sleep(3), "timed out"),
        (cut_in_data, "Connection unexpectedly closed|reset|Broken pipe"),
    ],
    ids=["lines", "line", "noise", "closed", "refused", "silent", "cut"],
)
def test_what_a_server_may_do_is_told_and_ends(talk, told):
    with answering(talk) as sender, pytest.raises(Retry, match=told) as raised:
        sender.send(NOTICE, context())
    assert raised.value.channel
    assert "\n" not in str(raised.value)


def test_a_server_that_drips_is_left(tmp_path):
    with answering(drip) as sender, pytest.raises(Retry, match="did not take the mail within 2 s"):
        sender.send(NOTICE, context(timeout=2.0))
