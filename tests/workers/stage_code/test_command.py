"""`slipway.code` on a worker: what comes is kept whole or not at all, and nobody waits for ever."""

from __future__ import annotations

import hashlib

import pytest
from twisted.internet import defer
from twisted.python.failure import Failure

from slipway.workers.stage_code import here

commands = pytest.importorskip("slipway.workers.commands")

DATA = b"the master's code"
KEY = hashlib.sha256(DATA).hexdigest()


class Master:
    """The master's side of a command: gives blocks, and keeps what the worker says."""

    def __init__(self, basedir, *blocks):
        self.basedir, self.blocks = str(basedir), list(blocks)
        self.said, self.closed = {}, 0

    def send_update(self, updates):
        self.said |= dict(updates)

    def protocol_update_read_file(self, _reader, _length):
        block = self.blocks.pop(0) if self.blocks else b""
        return block if isinstance(block, defer.Deferred) else defer.succeed(block)

    def protocol_update_read_file_close(self, _reader):
        self.closed += 1
        return defer.succeed(None)


@pytest.fixture
def asked(monkeypatch):
    """Keep the orders to the installing process, each with what it is to answer."""
    orders = []

    def ask(order):
        orders.append((order, defer.Deferred()))
        return orders[-1][1]

    monkeypatch.setattr(here, "_ask", ask)
    return orders


@pytest.fixture
def start(tmp_path, asked):
    begun = []

    def begin(*blocks, key=KEY):
        (tmp_path / "worker" / "demo").mkdir(parents=True, exist_ok=True)
        master = Master(tmp_path / "worker" / "demo", *blocks)
        args = {"sha256": key, "size": len(DATA), "reader": None, "blocksize": 8}
        command = commands.Code(master, "1", args)
        command.doStart()
        begun.append(command)
        return master, command

    yield begin
    # What still waits would beat in the reactor of later tests.
    for command in begun:
        command.doInterrupt()


def coming(tmp_path):
    return list((tmp_path / "worker" / "code").glob("coming*"))


def test_two_that_come_at_once_are_installed_once(start, asked, tmp_path):
    (one, _), (two, _) = start(DATA), start(DATA)
    [(order, answer)] = asked
    assert (order["do"], order["key"]) == ("make", KEY)
    assert [one.said.get("rc"), two.said.get("rc"), one.closed, two.closed] == [None, None, 1, 0]
    [file] = coming(tmp_path)
    assert file.read_bytes() == DATA
    answer.callback({"name": "0123456789-abcdef", "seal": "0" * 64})
    for master in (one, two):
        assert master.said["rc"] == 0
        assert "0123456789-abcdef" in master.said["path"]
    assert coming(tmp_path) == []


def test_why_it_cannot_be_installed_is_told_to_all(start, asked, tmp_path):
    (one, _), (two, _) = start(DATA), start(DATA)
    asked[0][1].errback(here.NoPlace("the package index cannot be reached"))
    for master in (one, two):
        assert (master.said["rc"], "path" in master.said) == (1, False)
        assert master.said["problem"] == "the package index cannot be reached"
    assert coming(tmp_path) == []
    start(DATA)
    assert len(asked) == 2


@pytest.mark.parametrize("answer", [{}, {"name": "0123456789-abcdef"}, {"seal": "0" * 64}])
def test_an_environment_that_is_not_known_is_not_used(start, asked, answer):
    master, _ = start(DATA)
    asked[0][1].callback(answer)
    assert (master.said["rc"], "path" in master.said) == (1, False)
    assert "an environment that is not ours" in master.said["problem"]


def test_a_process_that_cannot_be_started_holds_nobody_up(tmp_path, monkeypatch):
    class Full:
        def spawnProcess(self, *_args, **_options):  # noqa: N802  Twisted's name
            raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(here, "reactor", Full())
    code, ended = here.CodeHere(tmp_path), []
    for _ in range(2):
        code.make(KEY, None).addErrback(ended.append)
        code._ask_own().addCallback(ended.append)
    assert len(ended) == 4
    assert not code.is_making(KEY)


@pytest.mark.parametrize("said", [b"5", b"[]", b"null", b"", b"[" * 100_000])
def test_an_answer_that_is_none_is_a_problem(said):
    asked, ended = here._Asked({}), []
    asked.done.addErrback(ended.append)
    asked.outReceived(said)
    asked.processEnded(Failure(ConnectionError("ended")))
    assert ended[0].check(here.NoPlace)


def test_one_that_is_stopped_in_the_transfer_leaves_nothing(start, asked, tmp_path):
    block = defer.Deferred()
    master, command = start(DATA[:8], block)
    command.doInterrupt()
    block.callback(DATA[8:])
    assert (master.said["rc"], master.said["problem"]) == (1, "interrupted")
    assert (asked, coming(tmp_path)) == ([], [])


def test_a_connection_that_is_lost_leaves_nothing(start, asked, tmp_path):
    block = defer.Deferred()
    master, command = start(DATA[:8], block)
    block.errback(ConnectionError("lost"))
    assert (master.said.get("rc"), asked, coming(tmp_path)) == (1, [], [])
    assert command.interrupted is False


def test_who_is_stopped_waits_no_longer_and_the_installation_goes_on(start, asked):
    (one, command), (two, _) = start(DATA), start(DATA)
    command.doInterrupt()
    command.doInterrupt()
    assert (one.said["rc"], one.said["problem"]) == (1, "interrupted")
    assert "rc" not in two.said
    asked[0][1].callback({"name": "0123456789-abcdef", "seal": "0" * 64})
    assert two.said["rc"] == 0
    assert len(asked) == 1


@pytest.mark.parametrize("key", ["../../x", "", "A" * 64])
def test_a_name_from_outside_is_no_path(start, asked, tmp_path, key):
    master, _ = start(DATA, key=key)
    assert (master.said["rc"], asked) == (1, [])
    assert "is no SHA-256" in master.said["problem"]
    assert not (tmp_path / "worker" / "code").exists()


def test_a_link_in_the_place_of_our_folder_is_not_followed(start, asked, tmp_path):
    (tmp_path / "worker").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "worker" / "code").symlink_to(tmp_path / "elsewhere")
    start(DATA)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(coming(tmp_path)) == 1
