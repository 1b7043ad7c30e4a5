# ruff: noqa: N815, RUF012  Buildbot's and Twisted's own names and types
"""Worker commands that Slipway adds to Buildbot's own: places, files in, files out.

Buildbot's uploadFile and downloadFile open any kind of file at a path, in the worker's only thread:
a pipe that a stage put there blocks the worker and every run on it for good, a device never ends,
and a link leads anywhere. These commands open plain files in a place only (see `places`), never
block on one, stop at the announced size, and can be interrupted.
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

__all__ = [
    "PATIENCE",
    "PLACES",
    "Begin",
    "End",
    "Give",
    "StageBuilder",
    "Take",
    "reactor",
    "register",
]

#: Seconds that a stage waits for the removal of leftovers; then it starts while that goes on.
PATIENCE = 30.0
_HASH = 64
_MOST_REPORTED = 20

#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed
PLACES = places_here()


class _PlaceCommand(Command):  # type: ignore[misc]
    """Base of the commands; ends with a return code and, after a failure, one sentence."""

    @property
    def builder(self) -> Path:
        """The builder's folder on this worker."""
        return Path(os.path.abspath(str(self.protocol_command.basedir)))  # noqa: PTH100  no link

    @defer.inlineCallbacks
    def start(self) -> Any:
        """Run the command.

        Problems with a stage's leftovers are not raised as errors of the worker.
        """
        problem_text = ""
        try:
            yield defer.maybeDeferred(self.work)
        except NoPlace as problem:
            problem_text = str(problem)
        except OSError as problem:
            problem_text = problem.strerror or str(problem)
        if self.interrupted and not problem_text:
            problem_text = "interrupted"
        # Not sendStatus: it sends nothing after an interrupt.
        update = self.protocol_command.send_update
        update([("problem", problem_text)] if problem_text else [])
        update([("rc", 1 if problem_text else 0)])

    def work(self) -> Any:
        """Do the work."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Stop at the next block."""
        self.interrupted = True


class Begin(_PlaceCommand):
    """Create a fresh place for a stage, and remove the previous one."""

    requiredArgs = ["run"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Report the place, and leftovers that could not be removed."""
        run, tenant = str(self.args["run"])[:200], str(self.args.get("tenant", ""))
        begun = yield PLACES.begin(self.builder, run, tenant)
        problems = [begun.problem] if begun.problem else []
        problems += yield _patiently(PLACES.clear(self.builder), self.builder)
        self.sendStatus(
            [
                ("work", str(begun.work)),
                ("given", f"../{begun.given}"),
                ("problems", problems[:_MOST_REPORTED]),
            ]
        )


class Take(_PlaceCommand):
    """Receive a file from the master, named by its hash."""

    requiredArgs = ["sha256", "size", "reader", "blocksize"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Write the file; the script verifies its hash."""
        reader, name = self.args["reader"], str(self.args["sha256"])
        if len(name) != _HASH or set(name) - set("0123456789abcdef"):
            msg = f"{name!a} is no SHA-256"
            raise NoPlace(msg)
        remaining = int(self.args["size"])
        made = yield PLACES.new_file(self.builder, name)
        with os.fdopen(made, "wb") as stream:
            while remaining > 0 and not self.interrupted:
                wanted = min(remaining, int(self.args["blocksize"]))
                data = yield self.protocol_command.protocol_update_read_file(reader, wanted)
                if not data:
                    break
                remaining -= len(data)
                stream.write(data)
        yield self.protocol_command.protocol_update_read_file_close(reader)


class Give(_PlaceCommand):
    """Send a file of the output folder to the master, up to its announced size."""

    requiredArgs = ["path", "size", "writer", "blocksize"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Send the file block by block."""
        remaining, writer = int(self.args["size"]), self.args["writer"]
        opened = yield PLACES.open_output_file(self.builder, str(self.args["path"]), remaining)
        with os.fdopen(opened, "rb", buffering=0) as stream:
            while remaining > 0 and not self.interrupted:
                data = stream.read(min(remaining, int(self.args["blocksize"])))
                if not data:
                    break
                remaining -= len(data)
                yield self.protocol_command.protocol_update_upload_file_write(writer, data)
        yield self.protocol_command.protocol_update_upload_file_close(writer)


class End(_PlaceCommand):
    """Remove a place; the caller does not wait for it."""

    def work(self) -> None:
        """Rename the place and start its removal."""
        done = PLACES.end(self.builder)
        done.addErrback(lambda failure: log.err(failure, "while clearing a place"))


def _patiently(done: defer.Deferred[list[str]], builder: Path) -> defer.Deferred[list[str]]:
    """Return what cannot be removed; after a timeout, that the removal still goes on."""
    waited: defer.Deferred[list[str]] = defer.Deferred()
    late = f"what earlier runs left in {builder.parent} is still being removed"
    timer = reactor.callLater(PATIENCE, waited.callback, [late])

    def finish(found: Any) -> None:
        if timer.active():
            timer.cancel()
            waited.callback(found)

    done.addBoth(finish)
    return waited


class StageBuilder(WorkerForBuilderPb):  # type: ignore[misc]
    """A builder on this worker whose folder a stage may have replaced."""

    def setBuilddir(self, builddir: Any) -> None:
        """Create the folder; without it Buildbot would never attach this worker again."""
        name = builddir.decode() if isinstance(builddir, bytes) else str(builddir)
        try:
            clear_way(Path(str(self.bot.basedir)) / name)
        except OSError:
            log.err(None, f"the way of {name} cannot be cleared")
        super().setBuilddir(builddir)


def register() -> None:
    """Register these commands with Buildbot's worker."""
    registry.commandRegistry.update(
        {
            "slipway.begin": Begin,
            "slipway.take": Take,
            "slipway.give": Give,
            "slipway.end": End,
        }
    )
