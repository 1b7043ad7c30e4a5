"""Connect a worker to its master by TLS, and only to the master whose certificate it knows."""

from __future__ import annotations

import hmac
from typing import Any

from buildbot_worker.bot import Worker
from OpenSSL import SSL
from twisted.application.internet import ClientService
from twisted.internet import reactor as installed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python import log
from zope.interface import implementer

__all__ = ["Pinned", "connect_by_tls", "reactor"]

#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed


@implementer(IOpenSSLClientConnectionCreator)
class Pinned:
    """Accept one certificate, whoever has signed it and whatever names are in it."""

    def __init__(self, fingerprint: str, place: str) -> None:
        """Initialize.

        Args:
            fingerprint: The certificate's fingerprint, of the form `worker_tac.FINGERPRINT`.
            place: The master's address, for messages.
        """
        self._fingerprint, self._place = fingerprint, place

    def clientConnectionForTLS(self, _protocol: object) -> SSL.Connection:
        """Return a connection that fails its handshake at any other certificate."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_verify(SSL.VERIFY_PEER, self._is_known)
        return SSL.Connection(context, None)

    def _is_known(self, _connection: object, found: Any, _error: int, depth: int, _ok: int) -> bool:
        """Check a certificate of the chain; OpenSSL proves that its key is there."""
        if depth > 0:
            return True
        shown = f"sha256:{found.digest('sha256').decode().replace(':', '').lower()}"
        if hmac.compare_digest(shown, self._fingerprint):
            return True
        log.msg(
            f"{self._place} has a certificate with the fingerprint {shown}, and this worker was "
            f"set up for {self._fingerprint}: not connected. If the master has a new certificate, "
            "set this worker up again"
        )
        return False


def connect_by_tls(worker: Worker, host: str, port: int, fingerprint: str) -> None:
    """Have a worker that is not started yet connect by TLS instead of plain TCP.

    `connection_string` has no way to pin a certificate: Twisted's `tls:` asks the authorities that
    this machine trusts, and wants the master's name in the certificate.

    Args:
        worker: The worker.
        host: The master's host.
        port: The port its workers connect to.
        fingerprint: The fingerprint of its certificate.
    """
    for service in [one for one in worker if isinstance(one, ClientService)]:
        worker.removeService(service)
    # Twisted's classes declare their interfaces to zope alone, which mypy does not read.
    pinned: Any = Pinned(fingerprint, f"{host}:{port}")
    plain: Any = HostnameEndpoint(reactor, host, port)
    endpoint = wrapClientTLS(pinned, plain)
    ClientService(endpoint, worker.bf).setServiceParent(worker)
