# ruff: noqa: N815, RUF012  Buildbot's and Twisted's own names and types
"""Commands that a Slipway worker does beside Buildbot's own: places, files in, files out.

Buildbot's uploadFile and downloadFile open whatever lies at a path, in the worker's only thread: a
pipe that a stage put there stops the worker and every run on it for good, a device never ends, and
a link leads anywhere. These open plain files in a place alone (see `places`), never wait for one,
end at the announced size, and stop where they are interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from buildbot_worker.commands import registry
from buildbot_worker.commands.base import Command
from buildbot_worker.pb import WorkerForBuilderPb
from twisted.internet import defer, protocol
from twisted.internet import reactor as installed
from twisted.python import log

from slipway.scripts import clearing
from slipway.workers.places import NoPlace, Places, clear_way, left_file, new_file

#: Seconds that a stage waits until what the last one left is removed; then it goes on beside.
PATIENCE = 30.0
_HASH = 64
_MOST_TOLD = 20

#: Its module is typed as if it were an interface; it is the object that provides it.
reactor: Any = installed
PLACES = Places()


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
        place = PLACES.begin(self.builder, str(self.args["told"])[:200])
        problems = [place.problem] if place.problem else []
        problems += yield _clear(PLACES.left(self.builder), PATIENCE)
        self.sendStatus(
            [
                ("work", str(place.work)),
                ("given", f"../{place.given.name}"),
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
        with os.fdopen(new_file(PLACES.of(self.builder), name), "wb") as stream:
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
        opened = left_file(PLACES.of(self.builder), str(self.args["path"]), left)
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
        PLACES.leave(self.builder)
        done = _clear(PLACES.left(self.builder), None)
        done.addErrback(lambda failure: log.err(failure, "while clearing a place"))


class _Clearing(protocol.ProcessProtocol):
    """Removes folders in a process of its own: whatever is mounted there hangs that one alone."""

    def __init__(self) -> None:
        self.said = b""
        self.done: defer.Deferred[list[str]] = defer.Deferred()

    def outReceived(self, data: bytes) -> None:
        self.said = (self.said + data)[-20_000:]

    def processEnded(self, _reason: Any) -> None:
        self.tell([])

    def tell(self, more: list[str]) -> None:
        """Tell those who wait."""
        if not self.done.called:
            self.done.callback([*self.said.decode(errors="replace").splitlines(), *more])


def _clear(folders: list[Path], patience: float | None) -> defer.Deferred[list[str]]:
    """Remove folders.

    Args:
        folders: What to remove.
        patience: Seconds to wait for it at most; then it goes on and nobody waits. None: for ever.

    Returns:
        What could not be removed and why, a sentence each.
    """
    if not folders:
        return defer.succeed([])
    clearing_ = _Clearing()
    # No environment, no site: nothing that a stage could have prepared is loaded.
    words = [sys.executable, "-I", "-S", clearing.__file__, *map(str, folders)]
    env: dict[str, str] | None = None if os.name == "nt" else {}
    reactor.spawnProcess(clearing_, sys.executable, words, env=env)
    if patience is not None:
        told = f"what earlier runs left in {folders[0].parent} is still being removed"
        timer = reactor.callLater(patience, clearing_.tell, [told])

        def stop(found: list[str]) -> list[str]:
            if timer.active():
                timer.cancel()
            return found

        clearing_.done.addCallback(stop)
    return clearing_.done


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
