"""What a worker answers its master beside the stages: who it is, and whether its machine is right.

Not by a command of Buildbot's: a builder runs one at a time, and a second one ends a stage.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from buildbot_worker.bot import Worker
from twisted.internet import defer, error, protocol
from twisted.internet import reactor as installed
from twisted.python import log

from slipway import __version__
from slipway.workers.health.master_facts import (
    MasterFacts,
    clock_sentence,
    read_time,
    version_sentence,
)

__all__ = ["answer_master", "reactor"]

#: Seconds that the checks may take, and characters of their outcome.
_PATIENCE, _MOST = 60.0, 60_000
#: Buildbot types this module as if it were an interface; it is the object that provides it.
reactor: Any = installed


def answer_master(worker: Worker) -> None:
    """Have a worker that is not started yet answer its master's calls."""
    bot: Any = worker.bot
    answers = _Answers(Path(str(bot.basedir)))
    bot.remote_slipway_greet = answers.greet
    bot.remote_slipway_check = answers.check


class _Answers:
    """The answers of one worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: set[str] = set()
        self._checking: list[defer.Deferred[str]] = []

    def greet(self, version: Any, now: Any) -> dict[str, Any]:
        """Take the master's version and time; return this worker's."""
        here = time.time()
        theirs = read_time(now)
        ahead = 0.0 if theirs is None else here - theirs
        facts = MasterFacts(str(version)[:40], ahead, here)
        try:
            facts.write(self._folder)
        except OSError as problem:
            log.msg(f"what the master says of itself cannot be kept: {problem.strerror}")
        for sentence in (
            version_sentence(facts.version, __version__, "this worker"),
            clock_sentence(ahead, "this machine"),
        ):
            # A clock's difference is another one each time.
            if sentence and (mark := sentence[:20]) not in self._said:
                self._said.add(mark)
                log.msg(sentence)
        return {"version": __version__, "time": here}

    def check(self) -> defer.Deferred[str]:
        """Return the outcome of `slipway worker check` as JSON; one at a time is done."""
        waiting: defer.Deferred[str] = defer.Deferred()
        self._checking.append(waiting)
        if len(self._checking) == 1:
            try:
                _Check(self._finish).start(self._folder)
            except Exception as problem:  # noqa: BLE001  the next call starts anew
                why = getattr(problem, "strerror", None) or type(problem).__name__
                self._finish(json.dumps({"problem": f"the checks cannot be started: {why}"}))
        return waiting

    def _finish(self, outcome: str) -> None:
        waiting, self._checking = self._checking, []
        for one in waiting:
            one.callback(outcome)


class _Check(protocol.ProcessProtocol):
    """The checks, in a process that can be ended: a disk that hangs holds up that process alone."""

    transport: Any

    def __init__(self, finish: Any) -> None:
        self._finish, self._output = finish, b""
        self._timer: Any = None

    def start(self, folder: Path) -> None:
        """Start them in the worker's folder, with the worker's own environment."""
        # No code from that folder: stages may have written it.
        words = [sys.executable, "-P", "-m", "slipway.cli", "worker", "check", str(folder)]
        reactor.spawnProcess(
            self, sys.executable, [*words, "--json"], env=dict(os.environ), path=str(folder)
        )
        self._timer = reactor.callLater(_PATIENCE, self._give_up)

    def outReceived(self, data: bytes) -> None:
        self._output = (self._output + data)[: _MOST + 1]

    def _give_up(self) -> None:
        try:
            self.transport.signalProcess("KILL")
        except error.ProcessExitedAlready:
            return
        # It may hang in the kernel and never end.
        self._answer("")

    def processEnded(self, _reason: Any) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._answer(self._output.decode("utf-8", "replace"))

    def _answer(self, text: str) -> None:
        finish, self._finish = self._finish, lambda _: None
        finish(text if 0 < len(text) <= _MOST else json.dumps({"problem": _NO_ANSWER}))


_NO_ANSWER = "the checks did not end in time on the worker's machine, or said nothing"
