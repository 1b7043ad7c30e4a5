"""Wait for the end of the master's start; handle a SIGTERM during it."""

from __future__ import annotations

import signal
from typing import Any

from twisted.application.service import Service
from twisted.internet import defer

__all__ = ["Ending", "wait_for_start"]


def wait_for_start(master: Any) -> defer.Deferred[bool]:
    """Wait until a starting or reconfiguring master has all its services.

    A service must cancel the wait when it is stopped: Buildbot holds this same lock while it stops
    or reconfigures, and waits for the service.

    Args:
        master: The master.

    Returns:
        True, or False if it was cancelled.
    """

    def started(lock: Any) -> bool:
        # Release in a new reactor turn: a synchronous release would resume the next waiter
        # recursively and exhaust the stack with a hundred projects.
        master.reactor.callLater(0, lock.release)
        return True

    def cancelled(failure: Any) -> bool:
        failure.trap(defer.CancelledError)
        return False

    waiting: defer.Deferred[Any] = master.initLock.acquire()
    return waiting.addCallbacks(started, cancelled)


class Ending(Service):
    """Service that makes a SIGTERM during the master's start end with exit code 0.

    Twisted would re-raise the signal after the shutdown. Once the master has started, Buildbot
    installs its own handler, which also exits with 0.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ended = False

    def startService(self) -> None:
        """Install the handler after Twisted has installed its own."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(signal.signal, signal.SIGTERM, self._end)

    def _end(self, _number: int, _frame: Any) -> None:
        if not self._ended:
            self._ended = True
            self._reactor.callFromThread(self._reactor.stop)
