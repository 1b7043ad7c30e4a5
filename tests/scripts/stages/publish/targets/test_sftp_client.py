"""SFTP against servers that keep to the protocol in their own ways, or not at all."""

import struct

import pytest
from pydantic import ValidationError

from slipway.scripts.stages.publish.targets.sftp.client import Gone, Refused, SftpClient
from slipway.scripts.stages.publish.targets.sftp.packets import Kind, number, text
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget

GREETING = struct.pack(">IBI", 5, Kind.VERSION, 3)


class Script:
    """A server that answers each request by a function; what it says may come in any order."""

    def __init__(self, answer, greeting=GREETING):
        self._answer, self._given = answer, bytearray(greeting)
        self.asked = []
        self._greeted = False

    def send(self, data):
        if not self._greeted:
            self._greeted = True
            return
        kind, request = struct.unpack(">BI", data[4:9])
        self.asked.append(kind)
        for one in self._answer(kind, number(request), data[9:]):
            self._given += number(len(one)) + one

    def receive(self, count):
        if len(self._given) < count:
            raise Gone("the connection was closed")
        found = bytes(self._given[:count])
        del self._given[:count]
        return found


def status(request, code, message="Failure"):
    return bytes([Kind.STATUS]) + request + number(code) + text(message) + text("")


def data(request, content):
    return bytes([Kind.DATA]) + request + text(content)


CONTENT = bytes(range(256)) * 2000


def place(rest):
    (length,) = struct.unpack(">I", rest[:4])
    return struct.unpack(">QI", rest[4 + length : 16 + length])


def file_server(most=1 << 20, *, shuffled=False):
    held = []

    def answer(kind, request, rest):
        if kind != Kind.READ:
            return [status(request, 0)]
        at, count = place(rest)
        found = CONTENT[at : at + min(count, most)]
        made = data(request, found) if found else status(request, 1)
        if not shuffled:
            return [made]
        held.append(made)
        if len(held) < 4 and at + count <= len(CONTENT):
            return []
        given = held[::-1]
        held.clear()
        return given

    return answer


@pytest.mark.parametrize("most", [1 << 20, 32767, 7000])
def test_a_server_may_give_less_than_it_was_asked_for(most):
    client = SftpClient(Script(file_server(most)))
    assert b"".join(client.read(b"h", len(CONTENT))) == CONTENT


def test_answers_may_come_in_any_order():
    client = SftpClient(Script(file_server(shuffled=True)))
    assert b"".join(client.read(b"h", len(CONTENT))) == CONTENT


def test_of_a_file_that_is_too_long_more_is_read_than_it_should_have():
    client = SftpClient(Script(file_server()))
    assert len(b"".join(client.read(b"h", 100_000))) == 100_001
    assert len(b"".join(client.read(b"h", len(CONTENT) + 5))) == len(CONTENT)


def test_what_is_not_read_to_its_end_leaves_no_answers_behind():
    client = SftpClient(Script(file_server()))
    blocks = client.read(b"h", len(CONTENT))
    next(blocks)
    blocks.close()
    assert b"".join(client.read(b"h", len(CONTENT))) == CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        lambda _kind, request, _rest: [bytes([Kind.DATA]) + request],
        lambda _kind, request, _rest: [bytes([Kind.DATA]) + request + number(99) + b"x"],
        lambda _kind, request, _rest: [data(request, b"")],
        lambda _kind, request, _rest: [data(request, b"x" * 40_000)],
        lambda _kind, request, _rest: [bytes([Kind.HANDLE]) + request + text(b"h")],
        lambda _kind, request, _rest: [status(request, 0)],
        lambda _kind, _request, _rest: [data(number(n), b"x") for n in range(5000, 6000)],
        lambda _kind, _request, _rest: [b"\x65"],
        lambda _kind, _request, _rest: [b"\x65" + bytes(1 << 20)],
        lambda _kind, _request, _rest: [],
    ],
)
def test_answers_that_make_no_sense_end_the_session(answer):
    client = SftpClient(Script(answer))
    with pytest.raises((Gone, Refused)):
        b"".join(client.read(b"h", 1000))


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"Welcome!\r\n",
        struct.pack(">IBI", 5, Kind.VERSION, 2),
        struct.pack(">IBI", 5, Kind.STATUS, 3),
        struct.pack(">IBII", 9, Kind.VERSION, 3, 1 << 31),
    ],
)
def test_what_greets_otherwise_is_no_server(greeting):
    with pytest.raises(Gone):
        SftpClient(Script(file_server(), greeting))


def test_a_refused_block_is_told_and_the_session_goes_on():
    def answer(kind, request, rest):
        return [status(request, 4 if kind == Kind.WRITE and place(rest)[0] > 50_000 else 0)]

    class Blocks:
        left = 300_000

        def read(self, count):
            count = min(count, self.left)
            self.left -= count
            return b"x" * count

    script = Script(answer)
    client = SftpClient(script)
    with pytest.raises(Refused):
        client.write(b"h", 0, Blocks())
    client.close(b"h")
    assert script.asked[-1] == Kind.CLOSE


def test_endless_names_end():
    attributes = number(0)

    def answer(kind, request, _rest):
        if kind == Kind.OPENDIR:
            return [bytes([Kind.HANDLE]) + request + text(b"h")]
        if kind == Kind.CLOSE:
            return [status(request, 0)]
        names = b"".join(
            text(f"{len(script.asked)}-{n}") + text("") + attributes for n in range(2000)
        )
        return [bytes([Kind.NAME]) + request + number(2000) + names]

    script = Script(answer)
    assert len(SftpClient(script).names("x")) < 110_000


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"host_key": None}, "write one of host-key and known-hosts.*ssh-keyscan -p 22 files"),
        ({"known_hosts": "x"}, "write one of host-key and known-hosts"),
        ({"host_key": "files.example.org ssh-ed25519 AAAA"}, "should match pattern"),
        ({"host_key": HOST_KEY + "\nother"}, "should match pattern"),
        ({"jump": "gate"}, "jump-host-key goes with jump and host-key"),
        ({"jump_host_key": HOST_KEY}, "jump-host-key goes with jump and host-key"),
        ({"jump": "-oProxyCommand=x"}, "should match pattern"),
        ({"host": "-oProxyCommand=x"}, "should match pattern"),
        ({"host": "a\nProxyCommand x"}, "should match pattern"),
        ({"user": "a b"}, "should match pattern"),
        ({"user": "a\nb"}, "should match pattern"),
        ({"path": ""}, "at least 1 character"),
        ({"identity": "x\ny"}, "should match pattern"),
        ({"key": "KEY", "identity": "x"}, "write one of key"),
        ({"password": "my password!"}, "should match pattern"),
        ({"public_url": "ftp://x"}, "should match pattern"),
    ],
)
def test_settings_that_cannot_be_are_told(change, why):
    given = {"kind": "sftp", "host": "files", "user": "u", "path": "in", "host_key": HOST_KEY}
    given |= change
    with pytest.raises(ValidationError, match=why):
        SftpTarget(**{key: value for key, value in given.items() if value is not None})


def test_one_key_or_several():
    given = {"kind": "sftp", "host": "files", "user": "u", "path": "in"}
    assert SftpTarget(**given, host_key=HOST_KEY).host_key == (HOST_KEY,)
    both = SftpTarget(**given, host_key=[HOST_KEY, HOST_KEY + " the new one"])
    assert both.host_key[1].endswith("the new one")
    assert SftpTarget(**given, host_key=HOST_KEY, key="K", password="P").needed_secrets == (
        "K",
        "P",
    )
