"""The code that a worker runs its stages with: its own, or the master's, installed beside it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet import defer, protocol, threads
from twisted.internet import reactor as installed
from twisted.internet.error import ProcessExitedAlready
from twisted.python import log
from twisted.python.failure import Failure

from slipway.workers.launcher import handover
from slipway.workers.places.place import NoPlace, clear_way
from slipway.workers.stage_code.shelf import COMING, Shelf

__all__ = ["OWN", "READY", "WANTED", "CodeHere", "FoundCode", "code_here", "reactor"]

#: The code of a stage: this installation's own, one that was sent before, or one to be sent.
OWN, READY, WANTED = "own", "ready", "wanted"
#: Seconds an installation may take; a slow line has to bring some 40 MB.
_LONGEST = 1800.0
_MOST_OUTPUT = 1 << 20
_PROGRAM = "slipway.workers.stage_code.installing"
#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed


@dataclass(frozen=True)
class FoundCode:
    """The code for a stage."""

    state: str
    """OWN, READY or WANTED."""
    path: str = ""
    """The PATH that the stage is started with; empty: the worker's own."""
    version: str = ""
    """The version of the worker's own installation."""


class CodeHere:
    """The code on this worker."""

    def __init__(self, folder: Path) -> None:
        """Initialize.

        Args:
            folder: The worker's base folder; ours in there is made when it is needed.
        """
        self._shelf = Shelf(folder / "code")
        # Now: no stage of this process has run yet that could make one.
        self._shelf.know()
        self._own: dict[str, Any] | None = None
        self._asking: list[defer.Deferred[None]] = []
        self._making: dict[str, list[defer.Deferred[FoundCode]]] = {}

    @property
    def folder(self) -> Path:
        """The folder of the environments."""
        return self._shelf.folder

    @defer.inlineCallbacks
    def find(self, key: str, records: Collection[str]) -> Any:
        """Return what there is of a code.

        Args:
            key: The SHA-256 of its file.
            records: The hashes of what it is made of.
        """
        if handover.VARIABLE in os.environ:
            # On the master's machine, from the master's installation.
            return FoundCode(OWN)
        if self._own is None:
            yield self._ask_own()
        own = self._own or {}
        version = str(own.get("version", ""))
        if records and set(records) <= set(own.get("records", ())):
            return FoundCode(OWN, version=version)
        # In a thread: thousands of files are looked at.
        name = yield threads.deferToThread(self._shelf.find, key)
        if not name:
            return FoundCode(WANTED, version=version)
        return FoundCode(READY, self._shelf.path_with(name), version)

    def _ask_own(self) -> defer.Deferred[None]:
        """Find out, once, what this installation is made of."""
        waiting: defer.Deferred[None] = defer.Deferred()
        self._asking.append(waiting)
        if len(self._asking) == 1:

            def told(found: Any) -> None:
                if isinstance(found, Failure):
                    # The master's code is installed, then, or says what is wrong.
                    log.msg(f"this worker's own code is not known: {found.getErrorMessage()}")
                self._own = {} if isinstance(found, Failure) else found
                asking, self._asking = self._asking, []
                for one in asking:
                    one.callback(None)

            _ask({"do": "own"}).addBoth(told)
        return waiting

    def new_file(self) -> Path:
        """Return a path for a file that is to come, in our folder; a stage may have replaced that.

        Raises:
            OSError: The folder cannot be made.
        """
        clear_way(self.folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        return self.folder / f"{COMING}{secrets.token_hex(8)}.zip"

    @staticmethod
    def forget(file: Path | None) -> None:
        """Remove a file that has come."""
        if file is not None:
            # What cannot be removed now, the installations of another day remove.
            with contextlib.suppress(OSError):
                file.unlink()

    def is_making(self, key: str) -> bool:
        """Return True if a code is being installed."""
        return key in self._making

    def make(self, key: str, file: Path | None) -> defer.Deferred[FoundCode]:
        """Install a code, or wait for the installation that goes on.

        The installation goes on when nobody waits any more: the next stage will want it.

        Args:
            key: The SHA-256 of its file.
            file: The file as it came, removed at the end; None: `is_making`.

        Returns:
            What a stage is started with; fails with NoPlace and a sentence.
        """
        waiting: defer.Deferred[FoundCode] = defer.Deferred()
        if key in self._making:
            self._making[key].append(waiting)
            self.forget(file)
            return waiting
        self._making[key] = [waiting]

        def told(found: Any) -> None:
            self.forget(file)
            for one in self._making.pop(key):
                one.callback(found)

        order: dict[str, Any] = {
            "do": "make",
            "folder": str(self.folder),
            "file": str(file),
            "key": key,
        }
        order |= {"known": self._shelf.known}
        done = _ask(order)
        done.addCallback(self._made).addBoth(told)
        return waiting

    def _made(self, answer: Mapping[str, Any]) -> FoundCode:
        name, seal = str(answer.get("name", "")), str(answer.get("seal", ""))
        if not name or not (seal or name in self._shelf.known):
            msg = "the installation of the master's code has named an environment that is not ours"
            raise NoPlace(msg)
        if seal:
            self._shelf.trust(name, seal)
        return FoundCode(READY, self._shelf.path_with(name))


@cache
def code_here(folder: Path) -> CodeHere:
    """Return the code on the worker of a base folder."""
    return CodeHere(folder)


class _Asked(protocol.ProcessProtocol):
    """A process that gets an order and answers with one line."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._order = json.dumps(order).encode()
        self._output = self._errors = b""
        self._late: Any = None
        # Twisted's interfaces are zope's, which mypy does not read.
        self.transport: Any = None
        self.done: defer.Deferred[dict[str, Any]] = defer.Deferred()

    def connectionMade(self) -> None:
        self.transport.write(self._order)
        self.transport.closeStdin()
        self._late = reactor.callLater(_LONGEST, self._end)

    def _end(self) -> None:
        try:
            self.transport.signalProcess("TERM")
        except ProcessExitedAlready:
            return

    def outReceived(self, data: bytes) -> None:
        self._output = (self._output + data)[-_MOST_OUTPUT:]

    def errReceived(self, data: bytes) -> None:
        self._errors = (self._errors + data)[-_MOST_OUTPUT:]

    def processEnded(self, reason: Any) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()
        try:
            lines = self._output.decode(errors="replace").splitlines()
            answer = json.loads(lines[-1] if lines else "")
            problem = str(answer.get("problem", ""))
        except (AttributeError, RecursionError, ValueError):
            said = self._errors.decode(errors="replace").strip().splitlines()
            problem = said[-1] if said else str(reason.value)
        if problem:
            self.done.errback(NoPlace(problem))
        else:
            self.done.callback(answer)


def _ask(order: Mapping[str, Any]) -> defer.Deferred[dict[str, Any]]:
    """Have another process do something; a failure if it cannot be started."""
    return defer.maybeDeferred(_start, order)


def _start(order: Mapping[str, Any]) -> defer.Deferred[dict[str, Any]]:
    """Start the process, with our installation's own code alone."""
    asked = _Asked(order)
    # Isolated: no code that a stage could have prepared is loaded. UTF-8: paths may be anything.
    words = [sys.executable, "-I", "-X", "utf8", "-m", _PROGRAM]
    reactor.spawnProcess(asked, sys.executable, words, env=dict(os.environ))
    return asked.done
