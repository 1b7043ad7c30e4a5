# ruff: noqa: N815, RUF012  Buildbot's and Twisted's own names and types
"""Worker commands that Slipway adds to Buildbot's own: places, files in, files out, code.

Buildbot's uploadFile and downloadFile open any kind of file at a path, in the worker's only thread:
a pipe that a stage put there blocks the worker and every run on it for good, a device never ends,
and a link leads anywhere. These commands open plain files in a place only (see `places`), never
block on one, stop at the announced size, and can be interrupted.

A worker is not brought up to date with its master: these commands, their arguments and answers stay
as they are. What is new gets a name of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from buildbot_worker.commands import registry
from buildbot_worker.commands.base import Command
from buildbot_worker.pb import WorkerForBuilderPb
from twisted.internet import defer, task
from twisted.internet import reactor as installed
from twisted.python import log

from slipway.scripts.opened_files import NEW_FILE_FLAGS
from slipway.workers.places.place import NoPlace, clear_way
from slipway.workers.places.provider import places_here
from slipway.workers.stage_code.here import CodeHere, FoundCode, code_here

__all__ = [
    "PATIENCE",
    "PLACES",
    "Begin",
    "Code",
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
#: Seconds after which a worker that installs code says that it is still at it.
_BEAT = 10.0
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

    @property
    def code(self) -> CodeHere:
        """The code on this worker."""
        return code_here(self.builder.parent)

    @defer.inlineCallbacks
    def receive(self, descriptor: int) -> Any:
        """Write the file that the master sends, up to its announced size."""
        reader, remaining = self.args["reader"], int(self.args["size"])
        with os.fdopen(descriptor, "wb") as stream:
            while remaining > 0 and not self.interrupted:
                wanted = min(remaining, int(self.args["blocksize"]))
                data = yield self.protocol_command.protocol_update_read_file(reader, wanted)
                if not data:
                    break
                remaining -= len(data)
                stream.write(data)
        yield self.protocol_command.protocol_update_read_file_close(reader)

    def interrupt(self) -> None:
        """Stop at the next block."""
        self.interrupted = True


class Begin(_PlaceCommand):
    """Create a fresh place for a stage, and remove the previous one."""

    requiredArgs = ["run"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Report the place, leftovers that could not be removed, and the code that is there."""
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
        if "code" in self.args:
            records = [str(one) for one in self.args["records"]]
            found = yield self.code.find(_digest(self.args["code"]), records)
            self.sendStatus([("code", found.state), *_described(found)])


class Take(_PlaceCommand):
    """Receive a file from the master, named by its hash."""

    requiredArgs = ["sha256", "size", "reader", "blocksize"]

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Write the file; the script verifies its hash."""
        made = yield PLACES.new_file(self.builder, _digest(self.args["sha256"]))
        yield self.receive(made)


class Code(_PlaceCommand):
    """Receive the master's code and install it, where it is not there yet."""

    requiredArgs = ["sha256", "size", "reader", "blocksize"]
    _waits: defer.Deferred[FoundCode] | None = None

    @defer.inlineCallbacks
    def work(self) -> Any:
        """Report what the stage is to be started with; the installation verifies the hash."""
        key = _digest(self.args["sha256"])
        file = None if self.code.is_making(key) else self.code.new_file()
        try:
            if file is not None:
                yield self.receive(os.open(file, NEW_FILE_FLAGS, 0o600))
        except BaseException:
            self.code.forget(file)
            raise
        if self.interrupted:
            self.code.forget(file)
            return
        waits = self._waits = self.code.make(key, file)
        beats = task.LoopingCall(self.sendStatus, [("alive", True)])
        beats.start(_BEAT, now=False)
        try:
            found = yield waits
        except defer.CancelledError:
            return
        finally:
            beats.stop()
        self.sendStatus(_described(found))

    def interrupt(self) -> None:
        """Wait no longer; an installation goes on."""
        super().interrupt()
        if self._waits is not None and not self._waits.called:
            self._waits.cancel()


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


def _digest(text: Any) -> str:
    """Return a SHA-256 that may be a file's name.

    Raises:
        NoPlace: It is none.
    """
    name = str(text)
    if len(name) != _HASH or set(name) - set("0123456789abcdef"):
        msg = f"{name!a} is no SHA-256"
        raise NoPlace(msg)
    return name


def _described(found: FoundCode) -> list[tuple[str, str]]:
    return [("path", found.path), ("version", found.version)]


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
            "slipway.code": Code,
        }
    )
