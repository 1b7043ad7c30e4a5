"""Say in the log why a connection between a worker and its master comes to nothing.

Perspective Broker lets the master speak first, TLS the worker. So a worker without TLS and a port
with TLS wait for each other, silently and for ever; the other way round each drops the other.
"""

from __future__ import annotations

import socket
import ssl
import time
from functools import partial
from typing import Any

from buildbot_worker.bot import Worker
from OpenSSL import SSL
from twisted.application.internet import ClientService
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import reactor as installed
from twisted.internet import threads
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread import pb
from zope.interface import implementer

__all__ = ["PATIENCE", "TLS_RECORD", "WatchedBroker", "reactor", "speaks_tls", "watch_connection"]

#: Seconds after which a connection on which nothing was heard is looked into.
PATIENCE = 5.0
#: The first bytes of what a client of TLS sends (RFC 8446, 5.1): a handshake, of version 3.x.
TLS_RECORD = b"\x16\x03"
#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed


@implementer(IHandshakeListener)
class WatchedBroker(pb.Broker):
    """A connection that reports what was first heard on it, and that nothing was."""

    patience = PATIENCE
    transport: Any

    def connectionMade(self) -> None:
        """Start to wait for the first bytes."""
        self.has_heard = self.has_shaken_hands = self._is_refused = False
        self.began = time.monotonic()
        self._silent: Any = reactor.callLater(self.patience, self.report_silence)
        super().connectionMade()  # type: ignore[no-untyped-call]

    def handshakeCompleted(self) -> None:
        """Note that both sides speak TLS; Twisted calls this."""
        self.has_shaken_hands = True

    def dataReceived(self, chunk: bytes) -> None:
        """Take what was heard, if `accept_first` lets it."""
        if not self.has_heard:
            self.has_heard = True
            self._stop_waiting()
            self._is_refused = not self.accept_first(chunk)
        if not self._is_refused:
            super().dataReceived(chunk)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Report the end of a connection on which nothing was heard."""
        self._stop_waiting()
        if not self.has_heard:
            self.report_end(reason)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _stop_waiting(self) -> None:
        if self._silent.active():
            self._silent.cancel()

    def accept_first(self, chunk: bytes) -> bool:
        """Return False if the first bytes are to be taken for nothing."""
        return bool(chunk)

    def report_silence(self) -> None:
        """Report that nothing has been heard yet."""

    def report_end(self, reason: Any) -> None:
        """Report that the connection has ended before anything was heard."""


class _Told:
    """What a worker has said about its connection; it tries again every few seconds."""

    def __init__(self, worker: Worker, host: str, port: int, *, by_tls: bool) -> None:
        self.host, self.port, self.by_tls = host, port, by_tls
        self.place = f"{host}:{port}"
        self._services = [one for one in worker if isinstance(one, ClientService)]
        self._sentences: set[str] = set()
        self.silences = 0

    def watch(self) -> None:
        """Say it when the next attempt to connect fails: Twisted says that it tries again alone."""
        for service in self._services:
            waiting: Any = service.whenConnected(failAfterFailures=1)
            waiting.addCallbacks(lambda _: None, self._say_unreachable)

    def _say_unreachable(self, why: Failure) -> None:
        if why.check(CancelledError):
            # The worker is ending.
            return
        reason = why.getErrorMessage().rstrip(".")
        self.say(
            f"{self.place} cannot be reached ({reason}): not connected. See that the master runs, "
            "that its worker-listen is right, and that no firewall is between"
        )
        self.watch()

    def say(self, sentence: str) -> None:
        """Write a sentence into the log, once until the worker has connected."""
        if sentence not in self._sentences:
            self._sentences.add(sentence)
            log.msg(sentence)

    def forget(self) -> None:
        """Have everything said anew: the worker has connected."""
        self._sentences.clear()
        self.silences = 0


class _WorkerBroker(WatchedBroker):
    """A worker's end of the connection."""

    def __init__(self, told: _Told, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._told = told

    def report_silence(self) -> None:
        """Look whether the port speaks TLS."""
        told = self._told
        told.silences += 1
        # A port with TLS ends this one. A master that is busy does not: it is spared a look, which
        # it would take for a worker that is set up for TLS.
        if told.by_tls or told.silences == 1:
            self._say_silent()
            return
        # By a connection of its own, in a thread: this one has sent nothing and may be good.
        looking: Any = threads.deferToThread(speaks_tls, told.host, told.port)
        looking.addCallback(self._report_look)

    def _report_look(self, by_tls: bool) -> None:  # noqa: FBT001  a callback
        told = self._told
        if self.has_heard or self.disconnected:
            return
        if not by_tls:
            self._say_silent()
            return
        told.say(
            f"{told.place} speaks TLS, and this worker was set up without the fingerprint of its "
            "certificate: not connected. Set it up again by a new bundle (slipway worker new, on "
            "the master's machine), or by slipway worker setup with --fingerprint"
        )
        self.transport.loseConnection()

    def _say_silent(self) -> None:
        place = self._told.place
        self._told.say(
            f"{place} has taken the connection and says nothing yet: the master is busy, or "
            "something else listens there; this worker waits"
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Watch the next attempt to connect, too."""
        super().connectionLost(reason)
        reactor.callLater(0, self._told.watch)

    def report_end(self, reason: Any) -> None:
        """Say it if the port does not speak TLS. A wrong certificate was told by `Pinned`."""
        told = self._told
        if told.by_tls and reason.check(SSL.Error) and "certificate" not in str(reason.value):
            told.say(
                f"{told.place} does not speak TLS ({_openssl_reason(reason)}), and this worker was "
                "set up for a master that does: not connected. On the master write worker-tls = "
                "true into [site], or set this worker up again by a new bundle"
            )


def watch_connection(worker: Worker, host: str, port: int, fingerprint: str) -> None:
    """Have a worker that is not started yet say why it does not connect.

    Args:
        worker: The worker.
        host: The master's host.
        port: The port its workers connect to.
        fingerprint: The fingerprint of its certificate; empty: plain TCP.
    """
    told = _Told(worker, host, port, by_tls=bool(fingerprint))
    factory: Any = worker.bf
    factory.protocol = partial(_WorkerBroker, told)
    connected, refused = factory.gotPerspective, factory.failedToGetPerspective

    def forget(perspective: Any) -> Any:
        told.forget()
        return connected(perspective)

    def say_refused(why: Failure, broker: Any) -> Any:
        if why.check(UnauthorizedLogin):
            told.say(
                f"{told.place} refuses the name or the password of this worker: not connected. Set "
                "it up again by a new bundle (slipway worker new, on the master's machine)"
            )
        return refused(why, broker)

    factory.gotPerspective, factory.failedToGetPerspective = forget, say_refused
    told.watch()


def speaks_tls(host: str, port: int, patience: float = PATIENCE) -> bool:
    """Return True if a port answers a client of TLS by TLS, whatever its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        plain = socket.create_connection((host, port), patience)
        with plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def _openssl_reason(reason: Any) -> str:
    """Return the last part of an OpenSSL error, such as "wrong version number"."""
    try:
        return str(reason.value.args[0][-1][-1]) or "no reason is given"
    except (IndexError, TypeError):
        return "no reason is given"
