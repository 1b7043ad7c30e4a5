"""Build of a stage that returns its request to the queue if the build fails to begin.

Work-around of Buildbot 4.3: it keeps a build for ever, and its builder's worker with it, if the
worker is lost or the request is cancelled in the moments before the first step. The build would
hang until the master is restarted, and stopping the master would wait for it. If this happens a
moment earlier, Buildbot forgets the build and keeps the request claimed.
"""

from __future__ import annotations

from typing import Any

from buildbot.process.build import Build
from buildbot.process.results import CANCELLED, RETRY
from twisted.internet import defer
from twisted.python import log

__all__ = ["PATIENCE", "StageBuild"]

#: Seconds from a build's creation to its start before it counts as lost; usually milliseconds,
#: longer on a busy master.
PATIENCE = 20


class StageBuild(Build):
    """A build of a stage."""

    def __init__(self, requests: list[Any], builder: Any = None) -> None:
        """Create a build for claimed requests; start the timer until its begin."""
        super().__init__(requests, builder)
        self._given_back = False
        self._waiting = builder.master.reactor.callLater(PATIENCE, self._return_request)

    def _return_request(self) -> None:
        """Return the request to the queue: the build was created and never began."""
        self._given_back = True
        log.msg(f"{self} never began; its request is given back")
        done = self._unclaim()
        action = f"while giving back the request of {self}"
        done.addErrback(lambda failure: log.err(failure, action))

    @defer.inlineCallbacks
    def _unclaim(self) -> Any:
        master, numbers = self.builder.master, [one.id for one in self.requests]
        for number in numbers:
            master.botmaster.remove_in_progress_buildrequest(number)
        yield master.data.updates.unclaimBuildRequests(numbers)
        master.botmaster.maybeStartBuildsForBuilder(self.builder.name)

    @defer.inlineCallbacks
    def startBuild(self, workerforbuilder: Any) -> Any:
        """Begin the build; on failure return the request to the queue."""
        if self._given_back:
            self.builder.building.remove(self)
            workerforbuilder.buildFinished()
            return
        self._waiting.cancel()
        try:
            yield super().startBuild(workerforbuilder)
        except Exception as error:  # noqa: BLE001  whatever it is, the request must not be lost
            log.msg(f"{self} could not begin and is tried again: {error!r}")
            yield self._give_up(["worker", "lost"], RETRY)
            return
        # Cancelled between its request and its build.
        if self.stopped and not self.finished and self.conn is None:
            yield self._give_up(["cancelled"], CANCELLED)

    @defer.inlineCallbacks
    def _give_up(self, text: list[str], results: int) -> Any:
        if self.finished:
            return
        if getattr(self, "stopBuildConsumer", None) is not None:
            yield self.buildFinished(text, results)
        # The build had no row yet, or its worker is gone: do the last steps of Buildbot here.
        if self in self.builder.building:
            self.results = results
            self.workerforbuilder.buildFinished()
            self.builder.buildFinished(self, self.workerforbuilder)
