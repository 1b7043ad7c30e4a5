"""What other threads write to a connection waits for the reactor's."""

import threading

import pytest
from twisted.internet.testing import StringTransport
from twisted.python import threadable
from twisted.web.http_headers import Headers

from slipway.master.web_server import channel as module
from slipway.master.web_server.channel import Channel


class Room:
    """Always has room for a connection."""

    def admit(self, _channel):
        return True

    def forget(self, _channel):
        pass


class Wire(StringTransport):
    """Remembers which threads have written."""

    def __init__(self):
        super().__init__()
        self.writers = set()

    def write(self, data):
        self.writers.add(threading.get_ident())
        super().write(data)

    def writeSequence(self, data):  # noqa: N802  Twisted's own name
        self.write(b"".join(data))


class Reactor:
    """Keeps what it is to call."""

    def __init__(self):
        self.calls = []

    def callFromThread(self, call):  # noqa: N802  Twisted's own name
        self.calls.append(call)

    def run(self):
        while self.calls:
            self.calls.pop(0)()


@pytest.fixture
def reactor(monkeypatch):
    found = Reactor()
    monkeypatch.setattr(module, "reactor", found)
    monkeypatch.setattr(threadable, "ioThread", threading.get_ident())
    return found


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def channel(wire):
    found = Channel(Room())
    found.timeOut = None
    found.makeConnection(wire)
    return found


def elsewhere(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_the_reactors_own_thread_writes_at_once(channel, wire, reactor):
    channel.write(b"a")
    channel.writeSequence([b"b", b"c"])
    assert (wire.value(), reactor.calls) == (b"abc", [])


def test_before_the_reactor_runs_any_thread_is_its_own(channel, wire, monkeypatch):
    monkeypatch.setattr(threadable, "ioThread", None)
    elsewhere(lambda: channel.write(b"a"))
    assert wire.value() == b"a"


def test_another_thread_leaves_the_writing_to_the_reactor_in_order(channel, wire, reactor):
    def answer():
        channel.write(b"before")
        channel.writeHeaders(b"HTTP/1.1", b"200", b"OK", Headers({b"a": [b"b"]}))
        for number in range(1000):
            channel.write(b"%d," % number)
        channel.writeSequence([b"e", b"nd"])

    elsewhere(answer)
    assert wire.value() == b""
    # One call wakes the reactor for all of it.
    assert len(reactor.calls) == 1
    reactor.run()
    body = b"".join(b"%d," % number for number in range(1000))
    assert wire.value() == b"beforeHTTP/1.1 200 OK\r\nA: b\r\n\r\n" + body + b"end"
    assert wire.writers == {threading.get_ident()}


def test_what_waits_comes_before_what_the_reactor_writes(channel, wire, reactor):
    elsewhere(lambda: channel.write(b"first "))
    channel.write(b"second")
    assert wire.value() == b"first second"
    reactor.run()
    assert wire.value() == b"first second"


@pytest.mark.slow
def test_nothing_is_lost_between_many_threads_and_the_reactor(channel, wire, reactor):
    def work(name):
        for number in range(2000):
            channel.writeSequence([b"%s%d;" % (name, number)])

    threads = [threading.Thread(target=work, args=(name,)) for name in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        reactor.run()
    reactor.run()
    found = wire.value().decode().split(";")[:-1]
    assert len(found) == 6000
    for name in "abc":
        mine = [one for one in found if one.startswith(name)]
        assert mine == [f"{name}{number}" for number in range(2000)]
