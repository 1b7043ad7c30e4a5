"""The workers' port: what is said of whoever knocks, and how often."""

from __future__ import annotations

import pytest
from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python import log
from twisted.python.failure import Failure

from slipway.master import worker_port
from slipway.master.worker_port import PortLog, _MasterBroker
from slipway.workers.connection_watch import TLS_RECORD


@pytest.fixture
def said():
    """What the master's log says."""
    lines = []

    def keep(event):
        lines.extend(event["message"])

    log.addObserver(keep)
    yield lines
    log.removeObserver(keep)


@pytest.fixture
def connect():
    """Return a way to make the master's end of a connection."""
    port_log = PortLog()
    made = []

    def make(*, by_tls):
        broker = _MasterBroker(port_log, by_tls, isClient=False)
        broker.makeConnection(StringTransport())
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker._stop_waiting()


def test_a_worker_with_tls_is_told_once_by_a_port_without(connect, said):
    for _ in range(3):
        broker = connect(by_tls=False)
        broker.dataReceived(TLS_RECORD + b"\x01\x02")
        # The rest of it may have been on its way.
        broker.dataReceived(b"\xff" * 1000)
        assert broker.transport.disconnecting
        broker.connectionLost(Failure(ConnectionDone()))
    assert len(said) == 1
    assert "speaks TLS, and the workers' port of this site does not: not let in" in said[0]


def test_a_worker_without_tls_is_told_by_a_port_with(connect, said, monkeypatch):
    # What a scan of ports does: it goes at once.
    connect(by_tls=True).connectionLost(Failure(ConnectionDone()))
    assert said == []
    monkeypatch.setattr(worker_port, "_SHORTEST", -1.0)
    broker = connect(by_tls=True)
    broker.report_silence()
    assert broker.transport.disconnecting
    broker.connectionLost(Failure(ConnectionDone()))
    assert len(said) == 1
    assert "says nothing, as a worker without TLS does" in said[0]


def test_a_certificate_that_a_worker_refuses_is_told(connect, said):
    for words in ("tlsv1 alert unknown ca", "wrong version number"):
        error = SSL.Error([("SSL routines", "", words)])
        connect(by_tls=True).connectionLost(Failure(error))
    assert len(said) == 1
    assert "refuses the certificate of this master" in said[0]


def test_one_that_has_shaken_hands_is_said_nothing_of(connect, said):
    broker = connect(by_tls=True)
    broker.handshakeCompleted()
    broker.report_silence()
    assert not broker.transport.disconnecting
    broker.connectionLost(Failure(ConnectionDone()))
    assert said == []


def test_many_addresses_fill_no_memory(monkeypatch):
    monkeypatch.setattr(worker_port, "_MOST", 10)
    port_log = PortLog()
    for number in range(100):
        assert port_log.say(f"10.0.0.{number}", "no")
        assert not port_log.say(f"10.0.0.{number}", "no")
        assert len(port_log._said) <= 10
