# ruff: noqa: N815, RUF012  Buildbot's and Twisted's own names and types
"""Commands that a Slipway worker does beside Buildbot's own: places, files in, files out.

Buildbot's uploadFile and downloadFile open whatever lies at a path, in the worker's only thread: a
pipe that a stage put there stops the worker and every run on it for good, a device never ends, and
a link leads anywhere. These open plain files in a place alone (see `places`), never wait for one,
end at the announced size, and stop where they are interrupted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from buildbot_worker.commands import registry
from buildbot_worker.commands.base import Command
from buildbot_worker.pb import WorkerForBuilderPb
from twisted.internet import defer
from twisted.internet import reactor as installed
from twisted.python import log

from slipway.workers.places.place import NoPlace, clear_way
from slipway.workers.places.provider import places_here

#: Seconds that a stage waits until what the last one left is removed; then it goes on beside.
PATIENCE = 30.0
_HASH = 64
_MOST_TOLD = 20

#: Its module is typed as if it were an interface; it is the object that provides it.
reactor: Any = installed
PLACES = places_here()


class _PlaceCommand(Command):  # type: ignore[misc]
    """A command that ends with a return code and, where it fails, one sentence."""

    @property
    def builder(self) -> Path:
        """The builder's folder on this worker."""
        return Path(os.path.abspath(str(self.protocol_command.basedir)))  # noqa: PTH100  no link

    @defer.inlineCallbacks
    def start(self) -> Any:
        """Do it; nothing that a stage has left makes this an error of the worker."""
        told = ""
        try:
            yield defer.maybeDeferred(self.work)
        except NoPlace as problem:
            told = str(problem)
        except OSError as problem:
            told = problem.strerror or str(problem)
        if self.interrupted and not told:
            told = "interrupted"
        # Not by sendStatus: that says nothing once it has been interrupted.
        update = self.protocol_command.send_update
        update([("told", told)] if told else [])
        update([("rc", 1 if told else 0)])

    def work(self) -> Any:
        """Do the work."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Stop with the next block."""
        self.interrupted = True


class Begin(_PlaceCommand):
    """Makes a fresh place for a stage, and removes the last one's."""

    requiredArgs = ["told"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Tell where it is, and what of the last ones could not be removed."""
        told, tenant = str(self.args["told"])[:200], str(self.args.get("tenant", ""))
        begun = yield PLACES.begin(self.builder, told, tenant)
        problems = [begun.problem] if begun.problem else []
        problems += yield _patiently(PLACES.clear(self.builder), self.builder)
        self.sendStatus(
            [
                ("work", str(begun.work)),
                ("given", f"../{begun.given}"),
                ("problems", problems[:_MOST_TOLD]),
            ]
        )


class Take(_PlaceCommand):
    """Takes a file from the master, under its hash."""

    requiredArgs = ["sha256", "size", "reader", "blocksize"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Write it; the script compares it with its hash."""
        reader, name = self.args["reader"], str(self.args["sha256"])
        if len(name) != _HASH or set(name) - set("0123456789abcdef"):
            msg = f"{name!a} is no SHA-256"
            raise NoPlace(msg)
        left = int(self.args["size"])
        made = yield PLACES.new_file(self.builder, name)
        with os.fdopen(made, "wb") as stream:
            while left > 0 and not self.interrupted:
                wanted = min(left, int(self.args["blocksize"]))
                data = yield self.protocol_command.protocol_update_read_file(reader, wanted)
                if not data:
                    break
                left -= len(data)
                stream.write(data)
        yield self.protocol_command.protocol_update_read_file_close(reader)


class Give(_PlaceCommand):
    """Gives the master a file of the output folder, as long as it was announced."""

    requiredArgs = ["path", "size", "writer", "blocksize"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Send it block by block."""
        left, writer = int(self.args["size"]), self.args["writer"]
        opened = yield PLACES.left_file(self.builder, str(self.args["path"]), left)
        with os.fdopen(opened, "rb", buffering=0) as stream:
            while left > 0 and not self.interrupted:
                data = stream.read(min(left, int(self.args["blocksize"])))
                if not data:
                    break
                left -= len(data)
                yield self.protocol_command.protocol_update_upload_file_write(writer, data)
        yield self.protocol_command.protocol_update_upload_file_close(writer)


class End(_PlaceCommand):
    """Removes a place; nobody waits for it."""

    def work(self) -> None:
        """Set it aside and begin to remove it."""
        done = PLACES.end(self.builder)
        done.addErrback(lambda failure: log.err(failure, "while clearing a place"))


def _patiently(done: defer.Deferred[list[str]], builder: Path) -> defer.Deferred[list[str]]:
    """Return what cannot be removed, or after a while that it is still being removed."""
    waited: defer.Deferred[list[str]] = defer.Deferred()
    late = f"what earlier runs left in {builder.parent} is still being removed"
    timer = reactor.callLater(PATIENCE, waited.callback, [late])

    def tell(found: Any) -> None:
        if timer.active():
            timer.cancel()
            waited.callback(found)

    done.addBoth(tell)
    return waited


class StageBuilder(WorkerForBuilderPb):  # type: ignore[misc]
    """A builder on this worker, whose folder may have been replaced by a stage."""

    def setBuilddir(self, builddir: Any) -> None:
        """Make the folder, or else Buildbot would never attach this worker again."""
        name = builddir.decode() if isinstance(builddir, bytes) else str(builddir)
        try:
            clear_way(Path(str(self.bot.basedir)) / name)
        except OSError:
            log.err(None, f"the way of {name} cannot be cleared")
        super().setBuilddir(builddir)


def register() -> None:
    """Let masters ask this worker for these commands."""
    registry.commandRegistry.update(
        {
            "slipway.begin": Begin,
            "slipway.take": Take,
            "slipway.give": Give,
            "slipway.end": End,
        }
    )
