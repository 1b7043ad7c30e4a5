"""Create a stage's place on its worker, and transfer files between it and the store.

The worker's side is `slipway.workers.commands`. A worker may be hostile as a whole: nothing it says
is trusted, it may send no more than was announced, and a worker that stalls times out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buildbot.process.remotecommand import RemoteCommand, RemoteException
from buildbot.process.remotetransfer import FileReader
from buildbot.worker.protocols.base import FileWriterImpl
from twisted.internet import defer, error
from twisted.python.failure import Failure

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.protocol.event import ArtefactLeft
from slipway.steps.ledger_api import Carried, Incoming

__all__ = [
    "BLOCK",
    "ENDING",
    "STALLED",
    "Place",
    "PlaceCommand",
    "StoreReader",
    "StoreWriter",
    "abandon",
    "begin_place",
    "check_done",
    "download",
    "end_place",
    "plain_text",
    "run_watched",
    "told_path",
    "upload",
]

#: Bytes of a block. Twisted's Perspective Broker refuses strings over 640 KiB.
BLOCK = 512 * 1024
#: Seconds without a block after which a transfer is aborted.
STALLED = 120.0
#: Seconds a worker may take to end an interrupted command.
ENDING = 30.0
_LONGEST = 500
_LONGEST_PATH = 32_000
#: Bytes a second of a transfer at least.
_SLOWEST = 10 << 10
_MOST_PROBLEMS = 20
_ACCEPTED = frozenset({"problem", "work", "given", "problems", "rc", "code", "path", "version"})


class StoreWriter(FileWriterImpl):
    """Write a worker's upload into the store block by block, up to the announced size."""

    def __init__(self, incoming: Incoming, size: int) -> None:
        self._incoming = incoming
        self._remaining = size
        self._error: Exception | None = None
        self._ended = False
        self.failed: Callable[[], None] = lambda: None
        """Called once, when nothing more will be accepted."""
        self.moved = time.monotonic()

    def end(self) -> Exception | None:
        """Stop accepting blocks, whatever the worker still sends; return the error, if any."""
        self._ended = True
        return self._error

    def remote_write(self, data: Any) -> None:
        """Accept a block."""
        if self._ended or self._error is not None:
            return
        try:
            block = data if isinstance(data, bytes) else str(data).encode()
            if block:
                # Empty blocks, sent repeatedly, are no progress.
                self.moved = time.monotonic()
            self._remaining -= len(block)
            if self._remaining < 0:
                msg = "the worker sends more than was announced"
                raise StageFailed(msg)  # noqa: TRY301  reported as any other
            self._incoming.write(block)
        except Exception as problem:  # noqa: BLE001  reported by the step once the upload has ended
            self._error = problem
            self.failed()

    def remote_utime(self, accessed_modified: Any) -> None:
        """Ignore the times: the hash alone matters."""

    def remote_close(self) -> None:
        """No-op: the step commits or aborts."""


class StoreReader(FileReader):
    """Send a file of the store to a worker, block by block."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"))
        self.moved = time.monotonic()

    def remote_read(self, maxlength: Any) -> Any:
        """Return the next block, no longer than a message can hold."""
        wanted = min(maxlength, BLOCK) if isinstance(maxlength, int) else BLOCK
        data = super().remote_read(max(wanted, 1))
        if data:
            self.moved = time.monotonic()
        return data


class PlaceCommand(RemoteCommand):
    """A command of ours on a worker; unexpected updates are ignored."""

    def remoteUpdate(self, key: Any, value: Any, is_flushed: bool) -> Any:
        """Keep the last update of each key: Buildbot would keep all updates in memory."""
        if key not in _ACCEPTED or (key == "rc" and self.rc is not None):
            return defer.succeed(None)
        self.updates[key] = []
        return super().remoteUpdate(key, value, is_flushed)


@dataclass(frozen=True)
class Place:
    """The folders of a stage, as its worker reports them."""

    work: str
    """The folder the script runs in."""
    given: str
    """The folder of fetched files, named by their hashes; relative to `work`."""
    problems: tuple[str, ...]
    """Leftovers of earlier runs that could not be removed, one sentence each."""
    code: str = ""
    """Where the asked for code is: "own", "ready" or "wanted"; empty: no code was asked for."""
    path: str = ""
    """The PATH that the script is started with; empty: the worker's own."""
    version: str = ""
    """The version of the worker's own Slipway."""


def abandon(command: Any, why: str) -> None:
    """Stop waiting for a command whose worker does not answer."""
    # Buildbot ends a command at once only if its connection is reported as lost.
    command.interrupt(Failure(error.ConnectionLost(why)))


async def run_watched(
    step: Any, command: RemoteCommand, moved: Callable[[], float], longest: float = math.inf
) -> None:
    """Run a worker's command with a timeout on its progress.

    Args:
        step: The running step.
        command: The command to run.
        moved: Returns the time of its last progress, on the monotonic clock.
        longest: Seconds that it may take in all: a byte now and then is progress, too.

    Raises:
        StageFailed: The command stalled, or the worker could not start it.
    """
    reactor = step.master.reactor
    reason = ""
    began = time.monotonic()
    given_up = False
    timer: Any = None

    def check() -> None:
        nonlocal timer, given_up, reason
        now = time.monotonic()
        left = longest - (now - began)
        remaining = min(STALLED - (now - moved()), left)
        if given_up:
            abandon(command, reason)
            return
        if remaining <= 0:
            given_up, reason = True, _reason(left)
            command.interrupt(reason)
        timer = reactor.callLater(max(remaining, 0.1) if not given_up else ENDING, check)

    timer = reactor.callLater(STALLED, check)
    try:
        await step.runCommand(command)
    except RemoteException as problem:
        msg = f"{command.remote_command}: {plain_text(str(problem).splitlines()[:1])}"
        raise StageFailed(msg) from None
    except error.ConnectionLost:
        if not given_up:
            raise
    finally:
        if timer.active():
            timer.cancel()
    if given_up:
        raise StageFailed(reason)


def _reason(left: float) -> str:
    """Return why a command is given up, by the seconds that are left for all of it."""
    if left <= 0:
        return f"the transfer was slower than {_SLOWEST >> 10} KiB a second"
    return f"the worker did nothing for {STALLED:.0f} seconds"


def _longest(size: int) -> float:
    """Return the seconds that the transfer of some bytes may take."""
    return STALLED + size / _SLOWEST


async def begin_place(step: Any, run: str, tenant: str, code: Carried | None) -> Place:
    """Have the worker create a fresh place.

    Args:
        step: The running step.
        run: The run, for messages.
        tenant: The tenant of the place, for a worker that isolates tenants.
        code: The code that the stage runs; None: the worker's own.

    Raises:
        MissingTool: The worker is not Slipway's, or of an older version.
        StageFailed: The worker could not create the place.
    """
    for needed in ("slipway.begin", *(("slipway.code",) if code else ())):
        if not step.workerVersion(needed):
            name = step.build.workername
            msg = (
                f"the worker {name} was set up by a Slipway that cannot take the master's code; "
                f"set it up again, for the last time: `slipway worker new {name}` makes the bundle"
            )
            raise MissingTool(msg)
    asked: dict[str, Any] = {"run": run, "tenant": tenant}
    if code is not None:
        asked |= {"code": code.key, "records": list(code.records)}
    command = PlaceCommand("slipway.begin", asked)
    began = time.monotonic()
    await run_watched(step, command, lambda: began)
    check_done(step, command, "the worker could not make a place for this stage")
    work, given, state, version = (
        plain_text(command.updates[key][-1:]) for key in ("work", "given", "code", "version")
    )
    if not work or not given:
        msg = "the worker did not say where this stage is to work"
        raise StageFailed(msg)
    problems = command.updates["problems"][-1:]
    listed = problems[0] if problems and isinstance(problems[0], list) else []
    told = tuple(plain_text([one]) for one in listed[:_MOST_PROBLEMS])
    return Place(work, given, told, state, told_path(command), version)


async def end_place(step: Any) -> None:
    """Have the worker remove the stage's place; a failure is reported at the next start."""
    command = PlaceCommand("slipway.end", {})
    began = time.monotonic()
    await run_watched(step, command, lambda: began)


async def upload(step: Any, artefact: ArtefactLeft, incoming: Incoming) -> None:
    """Upload a file of the stage's output folder into the store's incoming folder.

    Args:
        step: The running step.
        artefact: The announced facts of the file.
        incoming: Takes the blocks; the caller commits.

    Raises:
        StageFailed: The worker could not read it, or the store could not take it.
    """
    writer = StoreWriter(incoming, artefact.size)
    arguments = {"path": artefact.path, "size": artefact.size, "writer": writer, "blocksize": BLOCK}
    command = PlaceCommand("slipway.give", arguments)

    def give_up() -> None:
        """Interrupt a worker whose blocks are no longer accepted.

        If it does not end in time, the command is abandoned.
        """
        command.interrupt("nothing more is taken")
        timers.append(step.master.reactor.callLater(ENDING, abandon, command, "it sends on"))

    timers: list[Any] = []
    writer.failed = give_up
    try:
        await run_watched(step, command, lambda: writer.moved, _longest(artefact.size))
    except error.ConnectionLost:
        if not any(timer.called for timer in timers):
            raise
    finally:
        problem = writer.end()
        for timer in timers:
            if timer.active():
                timer.cancel()
    if problem is not None:
        raise problem
    check_done(step, command, f"the worker could not send {artefact.name}")


async def download(step: Any, path: Path, sha256: str, size: int, name: str) -> None:
    """Download a file of the store to the stage's place, named by its hash.

    Args:
        step: The running step.
        path: The file in the store.
        sha256: Its hash.
        size: Its size in bytes.
        name: Its name in error sentences.

    Raises:
        StageFailed: The file is missing, or the worker could not write it.
    """
    try:
        reader = StoreReader(path)
    except OSError as problem:
        msg = f"{name}: the store cannot give {path}: {problem.strerror}"
        raise StageFailed(msg) from None
    arguments = {"sha256": sha256, "size": size, "reader": reader, "blocksize": BLOCK}
    command = PlaceCommand("slipway.take", arguments)
    try:
        await run_watched(step, command, lambda: reader.moved, _longest(size))
    finally:
        reader.remote_close()
    check_done(step, command, f"the worker could not write {name}")


def check_done(step: Any, command: RemoteCommand, sentence: str) -> None:
    """Raise if a command failed without being interrupted.

    Raises:
        StageFailed: The command failed.
    """
    if command.didFail() and not step.stopped:
        reason = plain_text(command.updates["problem"][-1:])
        msg = f"{sentence}: {reason or 'it does not say why'}"
        raise StageFailed(msg)


def plain_text(texts: Any) -> str:
    """Return a worker's text, made safe for use in a sentence."""
    text = " ".join(one for one in texts if isinstance(one, str))[:_LONGEST]
    return "".join(sign if sign.isprintable() else " " for sign in text)


def told_path(command: RemoteCommand) -> str:
    """Return the PATH that a worker has told; it means something there alone."""
    told = command.updates["path"][-1:]
    text = told[0] if told and isinstance(told[0], str) else ""
    return text if not set(text) & set("\0\r\n") and len(text) <= _LONGEST_PATH else ""
