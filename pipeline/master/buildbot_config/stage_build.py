"""A stage's build, which gives its request back whatever happens while it begins.

Buildbot 4.3 keeps a build for ever, and its builder's worker with it, when the worker is lost or
the request is cancelled in the moments before the first step. Nothing of it would go on before the
master is restarted, and stopping the master waits for it in vain. A moment earlier, it forgets the
build and keeps the request claimed.
"""

from __future__ import annotations

from typing import Any

from buildbot.process.build import Build
from buildbot.process.results import CANCELLED, RETRY
from twisted.internet import defer
from twisted.python import log

#: Seconds from a build's making to its start: some milliseconds, and longer on a busy master.
PATIENCE = 20


class StageBuild(Build):
    """A build of one stage."""

    def __init__(self, requests: list[Any], builder: Any = None) -> None:
        """Make a build for requests that are claimed for it; it has yet to begin."""
        super().__init__(requests, builder)
        self._given_back = False
        self._waiting = builder.master.reactor.callLater(PATIENCE, self._give_back)

    def _give_back(self) -> None:
        """Have the request given to a worker again: the build was made and never began."""
        self._given_back = True
        log.msg(f"{self} never began; its request is given back")
        done = self._unclaim()
        told = f"while giving back the request of {self}"
        done.addErrback(lambda failure: log.err(failure, told))

    @defer.inlineCallbacks
    def _unclaim(self) -> Any:
        master, numbers = self.builder.master, [one.id for one in self.requests]
        for number in numbers:
            master.botmaster.remove_in_progress_buildrequest(number)
        yield master.data.updates.unclaimBuildRequests(numbers)
        master.botmaster.maybeStartBuildsForBuilder(self.builder.name)

    @defer.inlineCallbacks
    def startBuild(self, workerforbuilder: Any) -> Any:
        """Begin; where that fails, the request goes to a worker again."""
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
        # It was cancelled between its request and its build.
        if self.stopped and not self.finished and self.conn is None:
            yield self._give_up(["cancelled"], CANCELLED)

    @defer.inlineCallbacks
    def _give_up(self, text: list[str], results: int) -> Any:
        if self.finished:
            return
        if getattr(self, "stopBuildConsumer", None) is not None:
            yield self.buildFinished(text, results)
        # It had no row yet, or its worker is gone: what comes last was left out.
        if self in self.builder.building:
            self.results = results
            self.workerforbuilder.buildFinished()
            self.builder.buildFinished(self, self.workerforbuilder)
