"""The notifier `irc` at a real server: encrypted, in its channels, and told when refused."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from dataclasses import replace

import pytest
from pydantic import ValidationError

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Retry, SendingSite
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.irc.lines import LONGEST, lines_of
from slipway.notifiers.irc.notifier import IrcNotifier
from slipway.notifiers.irc.sender import IrcSender
from tests.notifiers.irc.conftest import CONTEXT, Ircd, needs_ngircd
from tests.support.machine import wait_for

NOTICE = example_of(Event.RUN_FAILED)
SECRET = SecretPlace(env="WORD")
EVIL = "x\r\nQUIT :bye\r\n\x01VERSION\x01 \x0304red\x03 \u202e \x00" + "\u00e9" * 10_000


@pytest.mark.slow
@needs_ngircd
class TestAtAServer:
    """With a real ngircd."""

    def test_a_notice_is_said_in_each_channel(self, ircd, listen):
        ann, ben = listen(), listen("#other", nick="ben")
        sender = ircd.sender(channels=["#almanac", "#other"])
        assert sender.send(NOTICE, CONTEXT) == "said in #almanac, #other as slipway"
        sender.send(example_of(Event.RUN_FIXED), replace(CONTEXT, key="d" * 40))
        sender.close()
        expected = f"{NOTICE.title}: {NOTICE.text} {NOTICE.url}"
        for one in (ann, ben):
            one.until("QUIT")
            assert one.said[0] == expected
            assert len(one.said) == 2

    def test_what_others_wrote_is_text_and_short(self, ircd, listen):
        ann = listen()
        fields = NOTICE.model_dump(by_alias=True) | dict.fromkeys(("title", "text"), EVIL)
        sender = ircd.sender()
        sender.send(Notice.model_validate(fields), CONTEXT)
        sender.close()
        ann.until(" QUIT ")
        [said] = ann.said
        assert not set(said) & set("\x01\x02\x03\x0f\x1f\r\n\0")
        assert len(said.encode()) <= LONGEST
        assert said.endswith(f"... {NOTICE.url}")

    def test_a_name_that_is_taken_gets_an_underscore(self, ircd, listen):
        listen(nick="slipway")
        sender = ircd.sender()
        assert sender.send(NOTICE, CONTEXT).endswith("as slipway_")
        sender.close()

    def test_after_a_restart_the_server_is_told(self, ircd, listen):
        sender = ircd.sender()
        sender.send(NOTICE, CONTEXT)
        ircd.stop()
        with pytest.raises(Retry) as raised:
            sender.send(NOTICE, replace(CONTEXT, key="d" * 40))
        assert raised.value.channel
        ircd.start()
        ann = listen()
        sender.send(NOTICE, replace(CONTEXT, key="d" * 40))
        sender.close()
        ann.until(" QUIT ")
        assert len(ann.said) == 1

    def test_who_was_kicked_comes_again(self, ircd, listen):
        ann = listen()
        sender = ircd.sender()
        sender.send(NOTICE, CONTEXT)
        ann.tell("KICK #almanac slipway :no")
        ann.until(" KICK ")
        with contextlib.suppress(Retry):
            sender.send(NOTICE, replace(CONTEXT, key="d" * 40))
        sender.send(NOTICE, replace(CONTEXT, key="d" * 40))
        sender.send(NOTICE, replace(CONTEXT, key="e" * 40))
        sender.close()
        # Some servers take lines of whoever is not there; it is there again all the same.
        wait_for(lambda: len(ann.said) == 3, lambda: str(ann.lines))

    def test_a_channel_that_is_closed_is_told_and_others_are_not_told_twice(self, ircd, listen):
        ann = listen()
        sender = ircd.sender(channels=["#almanac", "#locked"])
        for _ in range(2):
            with pytest.raises(Retry, match="#locked cannot be joined") as raised:
                sender.send(NOTICE, CONTEXT)
            assert not raised.value.channel
        sender.close()
        ann.until(" QUIT ")
        assert len(ann.said) == 1

    def test_check_says_nothing(self, ircd, listen):
        ann = listen()
        sender = ircd.sender()
        assert sender.check().endswith("knows slipway, who is in #almanac")
        sender.close()
        ann.until(" QUIT ")
        assert ann.said == []

    def test_an_account_where_there_are_none_is_told(self, ircd):
        sender = ircd.sender(user="ann", password=SECRET)
        with pytest.raises(Retry, match=r"knows no accounts \(SASL\)"):
            sender.send(NOTICE, CONTEXT)

    def test_an_unknown_authority_is_refused(self, ircd):
        with pytest.raises(Retry, match="certificate is not trusted, so nothing was said"):
            ircd.sender(authorities=None).send(NOTICE, CONTEXT)

    def test_an_expired_certificate_is_refused(self, tmp_path):
        ircd = Ircd(tmp_path, days=-1)
        try:
            with pytest.raises(Retry, match="expired"):
                ircd.sender().send(NOTICE, CONTEXT)
        finally:
            ircd.stop()


@contextlib.contextmanager
def talking(talk, **keys):
    """Serve one connection by a function, and yield a sender for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError), listener.accept()[0] as peer:
                talk(peer, peer.makefile("rb"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        settings = {"kind": "irc", "host": "127.0.0.1", "port": port, "tls": False, "timeout": 1}
        made = IrcNotifier.model_validate(settings | {"channels": ["#a"]} | keys)
        sender = IrcSender(made, SendingSite(secret=lambda *_: "wörd" * 200))
        yield sender
        sender.close()
        listener.close()
        thread.join(10)


def with_accounts(answer):  # noqa: C901  one branch for each command
    """Return a server with SASL, as IRCv3 describes it, and the list of what signed in."""
    got = []

    def talk(peer, stream):
        said = ""
        for line in stream:
            words = line.decode().split()
            match words[0]:
                case "CAP" if words[1] == "REQ":
                    peer.sendall(b":x 433 * slipway :taken\r\n:x CAP * ACK :sasl\r\n")
                case "AUTHENTICATE" if words[1] == "PLAIN":
                    peer.sendall(b"AUTHENTICATE +\r\n")
                case "AUTHENTICATE":
                    said += words[1].rstrip("+") if words[1] == "+" else words[1]
                    if len(words[1]) < 400:
                        got.append(base64.b64decode(said).decode())
                        peer.sendall(f":x {answer} slipway :so\r\n".encode())
                case "CAP":
                    peer.sendall(b":x 001 slipway_ :welcome\r\n")
                case "JOIN":
                    peer.sendall(f":slipway_!u@h JOIN {words[1]}\r\nPING :x y\r\n".encode())
                case "PING":
                    peer.sendall(f":x PONG x :{words[1]}\r\n".encode())

    return talk, got


def test_an_account_is_signed_in_to_whatever_its_password():
    talk, got = with_accounts("903")
    with talking(talk, user="ann", password=SECRET) as sender:
        assert sender.send(NOTICE, CONTEXT) == "said in #a as slipway_"
    assert got == [f"ann\0ann\0{'wörd' * 200}"]


def test_a_wrong_password_is_told_and_not_shown():
    talk, _ = with_accounts("904")
    with (
        talking(talk, user="ann", password=SECRET) as sender,
        pytest.raises(Retry, match=r'refuses the sign-in of "ann": so; correct') as raised,
    ):
        sender.send(NOTICE, CONTEXT)
    assert "rd" not in str(raised.value).replace("password", "")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"x" * 50_000, "a line without end"),
        (b"ERROR :banned \x1b[31m\r\n", "ends the session: banned"),
        (b"", "closed the connection"),
        (b":x 432 * a :bad name\r\n", "does not let slipway in"),
        (b"\xff\xfe\x00 :\r\n:\r\n@a\r\n \r\n: 001\r\n001\r\n", "closed the connection"),
        (b":x 433 * n :taken\r\n" * 9, "does not let slipway_____ in: taken"),
    ],
    ids=["endless", "banned", "closed", "name", "noise", "taken"],
)
def test_what_a_server_may_say_is_told(said, told):
    def talk(peer, stream):
        for _ in range(2):
            stream.readline()
        peer.sendall(said)
        peer.shutdown(socket.SHUT_WR)
        stream.read()

    with talking(talk) as sender:
        with pytest.raises(Retry, match=told) as raised:
            sender.send(NOTICE, CONTEXT)
        assert raised.value.channel
        assert "\x1b" not in str(raised.value)


def test_a_server_that_only_pings_is_left():
    def talk(peer, _stream):
        while True:
            peer.sendall(b"PING :x\r\n")

    with (
        talking(talk) as sender,
        pytest.raises(Retry, match=r"not answered within 1 s|closed|rese|pipe"),
    ):
        sender.send(NOTICE, CONTEXT)


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_each_event_is_few_short_lines(event):
    lines = lines_of(example_of(event))
    assert 1 <= len(lines) <= 6
    assert all(len(one.encode()) <= LONGEST and one.isprintable() for one in lines)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"channels": []}, "at least 1"),
        ({"channels": ["almanac"]}, "pattern"),
        ({"channels": ["#a,#b"]}, "pattern"),
        ({"channels": ["#a\nQUIT"]}, "pattern"),
        ({"nick": "1a"}, "pattern"),
        ({"nick": "a b"}, "pattern"),
        ({"user": "ann"}, "write both"),
        ({"user": "ann", "password": SECRET, "tls": False}, "not sent in plain"),
    ],
    ids=range(8),
)
def test_settings_that_cannot_be_are_refused(keys, told):
    good = {"kind": "irc", "host": "irc.example.org", "channels": ["#almanac"]}
    with pytest.raises(ValidationError, match=told):
        IrcNotifier.model_validate(good | keys)
    assert IrcNotifier.model_validate(good).server_port == 6697
