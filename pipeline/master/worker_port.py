"""The workers' port: say in the log why a worker that knocks does not get in."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from buildbot.worker.protocols.manager.pb import Dispatcher, PBManager
from OpenSSL import SSL
from twisted.python import log

from slipway.workers.connection_watch import TLS_RECORD, WatchedBroker

__all__ = ["PortLog", "watch_port"]

#: Seconds until the same is said of the same address again, and addresses that are remembered.
_PAUSE, _MOST = 3600.0, 1000
#: Seconds of silence after which a connection to a port with TLS is ended: TLS lets the worker
#: speak first, at once.
_PATIENCE = 10.0
#: Seconds that a connection of a worker lasts at least; scans of ports are shorter.
_SHORTEST = 1.0
_MEND = "make it a new bundle (slipway worker new NAME), and set it up again"


class PortLog:
    """What was said of which address, so that a worker that tries on fills no log."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], float] = {}

    def say(self, host: str, sentence: str) -> bool:
        """Write a sentence about an address into the log, unless that was done a while ago."""
        now, key = time.monotonic(), (host, sentence)
        if now - self._said.get(key, -_PAUSE) < _PAUSE:
            return False
        if len(self._said) >= _MOST:
            self._said.clear()
        self._said[key] = now
        log.msg(sentence)
        return True


class _MasterBroker(WatchedBroker):
    """The master's end of a worker's connection."""

    patience = _PATIENCE

    def __init__(self, port_log: PortLog, by_tls: bool, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._log, self._by_tls = port_log, by_tls

    def accept_first(self, _chunk: bytes) -> bool:
        """Refuse a worker that begins with TLS where the port has none."""
        if self._by_tls or not _chunk.startswith(TLS_RECORD):
            return True
        self._say(
            "a worker at {} speaks TLS, and the workers' port of this site does not: not let in. "
            f"Write worker-tls = true into [site] and restart; or {_MEND}"
        )
        self.transport.loseConnection()
        return False

    def report_silence(self) -> None:
        """End a connection that has not begun to speak TLS; `report_end` says so."""
        if self._by_tls and not self.has_shaken_hands:
            self.transport.abortConnection()

    def report_end(self, reason: Any) -> None:
        """Say why a worker has gone before it said anything."""
        if not self._by_tls or self.has_shaken_hands:
            return
        if reason.check(SSL.Error):
            if "alert" in str(reason.value):
                self._say(
                    "a worker at {} refuses the certificate of this master: it was set up for "
                    f"another one; {_MEND}"
                )
        elif time.monotonic() - self.began > _SHORTEST:
            self._say(
                "what connects from {} to the workers' port says nothing, as a worker without TLS "
                f"does, and this port speaks TLS: not let in. If it is a worker: {_MEND}"
            )

    def _say(self, sentence: str) -> None:
        host = str(getattr(self.transport.getPeer(), "host", "an unknown address"))
        self._log.say(host, sentence.format(host))


class _WatchedDispatcher(Dispatcher):
    """The workers' port, as Buildbot opens it."""

    def __init__(self, config_portstr: Any, portstr: str) -> None:
        super().__init__(config_portstr, portstr)
        by_tls = str(portstr).startswith("ssl:")
        self.serverFactory.protocol = partial(_MasterBroker, PortLog(), by_tls)


def watch_port() -> None:
    """Have ports that Buildbot opens from now on say who is not let in, and why."""
    PBManager.dispatcher_class = _WatchedDispatcher
