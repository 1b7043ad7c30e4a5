"""Waiting until the master has started, and its end while it still starts."""

from __future__ import annotations

import signal
from typing import Any

from twisted.application.service import Service
from twisted.internet import defer


def wait_for_start(master: Any) -> defer.Deferred[bool]:
    """Wait until a master that is starting, or is being reconfigured, has all its services.

    A service that is stopped cancels it: Buildbot holds this very lock while it stops, or
    reconfigures, and waits for the service meanwhile.

    Args:
        master: The master.

    Returns:
        True; where it was cancelled False.
    """

    def started(lock: Any) -> bool:
        # Releasing it begins the next who waits: in a turn of its own, or a hundred projects would
        # stand on one another's stack until it is full.
        master.reactor.callLater(0, lock.release)
        return True

    def cancelled(failure: Any) -> bool:
        failure.trap(defer.CancelledError)
        return False

    waiting: defer.Deferred[Any] = master.initLock.acquire()
    return waiting.addCallbacks(started, cancelled)


class Ending(Service):
    """Has a SIGTERM that comes while the master starts end the process with exit code 0.

    Twisted would end it by the signal once all is stopped. When the start is over, Buildbot puts
    its own handler in place, after which the exit code is 0, too.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ended = False

    def startService(self) -> None:
        """Take the signal once Twisted's handlers are in place."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(signal.signal, signal.SIGTERM, self._end)

    def _end(self, _number: int, _frame: Any) -> None:
        if not self._ended:
            self._ended = True
            self._reactor.callFromThread(self._reactor.stop)
