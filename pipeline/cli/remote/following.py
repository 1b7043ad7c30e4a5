"""Wait for the outcome of a request to a master: show progress, then a sentence and an exit code.

A run, a stage of a run, or a gate with the stage behind it can be followed. The master is polled;
it may restart meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.status import Status

from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.words import print_json
from slipway.model.duration import format_duration
from slipway.model.errors import NOT_OVER, PASSED, MissingTool
from slipway.model.run_state import GOOD
from slipway.model.states import DeploymentState
from slipway.scripts.terminal_text import escape

__all__ = ["PATIENCE", "Change", "Followed", "Snapshot", "code_of", "conclude"]

_INTERRUPTED = 130
#: Seconds between two polls: at first, and later.
_PAUSE, _LONGER, _AT_FIRST = 0.5, 2.0, 30.0
#: Seconds for which a master may be unreachable: it may be restarting.
PATIENCE = 120.0


@dataclass(frozen=True)
class Change:
    """A message that is printed once."""

    key: str
    line: str
    """The message as rich markup."""
    lasting: bool = True
    """False: a terminal shows it only while it is current; other outputs get a line."""


@dataclass(frozen=True)
class Snapshot:
    """The present state of what is followed."""

    facts: dict[str, Any]
    """The keys for JSON that the reference documents."""
    changes: list[Change] = field(default_factory=list)
    status: str = ""
    """The present activity, as plain text."""
    held: str = ""
    """The people or times it waits for; empty while it proceeds on its own."""
    code: int | None = None
    """The exit code; None: not over yet."""
    sentence: str = ""
    """The outcome."""


class Followed(Protocol):
    """Interface of things that can be followed."""

    name: str
    """A title such as "staging of demo run 5"."""
    command: str
    """The command that shows it."""

    def query(self) -> Snapshot:
        """Query the present state."""


def conclude(followed: Followed, options: argparse.Namespace, result: str) -> int:
    """Print the request's result, wait for the outcome, and print that.

    Args:
        followed: The run, stage or gate to follow.
        options: `no_wait`, `timeout` and `json`.
        result: The result of the request, as a sentence.

    Returns:
        The outcome's exit code; 4 if it is not over yet.
    """
    if not options.json:
        terminal().print(result, markup=False)
    if options.no_wait:
        if options.json:
            print_json(_facts(followed.query(), PASSED, result))
        return PASSED
    snapshot, code, sentence = _wait(followed, options)
    if options.json and snapshot is not None:
        print_json(_facts(snapshot, code, sentence))
    elif sentence:
        terminal().print(sentence, markup=False)
    return code


def _facts(snapshot: Snapshot, code: int, sentence: str) -> dict[str, Any]:
    over = snapshot.code is not None
    return {**snapshot.facts, "over": over, "exit_code": code, "sentence": sentence}


def _wait(followed: Followed, options: argparse.Namespace) -> tuple[Snapshot | None, int, str]:
    """Wait for the outcome; return the last state, the exit code and the last sentence."""
    hint = f"look: {followed.command}"
    snapshot = None
    try:
        with _Progress(followed.name, on_stderr=options.json) as progress:
            for snapshot in _snapshots(followed, progress, options.timeout):
                progress.show(snapshot)
                if snapshot.code is not None:
                    return snapshot, snapshot.code, snapshot.sentence
                if snapshot.held and options.timeout is None:
                    sentence = (
                        f"{followed.name} waits: {snapshot.held}; {hint}, or wait: --timeout TIME"
                    )
                    return snapshot, NOT_OVER, sentence
    except KeyboardInterrupt:
        print(f"\n{followed.name} goes on; {hint}", file=sys.stderr)  # noqa: T201
        return None, _INTERRUPTED, ""
    waits = snapshot.held or snapshot.status if snapshot is not None else ""
    sentence = f"{followed.name} is not over after {format_duration(options.timeout)}"
    return snapshot, NOT_OVER, "; ".join(part for part in (sentence, waits, hint) if part)


def _snapshots(
    followed: Followed, progress: _Progress, timeout: float | None
) -> Iterator[Snapshot]:
    """Yield the state at each poll until the timeout."""
    began = last_seen = time.monotonic()
    seen = False
    while True:
        try:
            yield followed.query()
            seen, last_seen = True, time.monotonic()
        except MissingTool as error:
            if not seen or time.monotonic() - last_seen > PATIENCE:
                sentence = f"{followed.name} goes on; look: {followed.command}"
                raise MissingTool(f"{error}; {sentence}" if seen else str(error)) from None
            progress.print_once(
                Change("away", "[yellow]the master does not answer; trying again[/]")
            )
        now = time.monotonic()
        if timeout is not None and now - began >= timeout:
            return
        pause = _PAUSE if now - began < _AT_FIRST else _LONGER
        if timeout is not None:
            pause = min(pause, max(0.0, began + timeout - now))
        time.sleep(pause)


class _Progress:
    """Progress display: a changing line in a terminal, elsewhere one line for each change."""

    def __init__(self, name: str, *, on_stderr: bool) -> None:
        self._name = name
        self._console: Console = terminal(stderr=on_stderr)
        self._printed: set[str] = set()
        self._began = time.monotonic()
        self._status: Status | None = None
        # A dumb terminal cannot erase a line.
        self._live = self._console.is_terminal and not self._console.is_dumb_terminal

    def __enter__(self) -> Self:
        if self._live:
            self._status = self._console.status(escape(self._name), refresh_per_second=4)
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show the present state."""
        for one in snapshot.changes:
            if one.lasting or not self._live:
                self.print_once(one)
        if self._status is not None:
            took = format_duration(time.monotonic() - self._began)
            state = snapshot.held or snapshot.status
            self._status.update(f"{escape(self._name)}: {escape(state)} [dim]{took}[/]")

    def print_once(self, change: Change) -> None:
        """Print a message, unless it was printed before."""
        if change.key not in self._printed:
            self._printed.add(change.key)
            self._console.print(change.line)


#: Maps a stage's exit code to this command's; the reference lists the possible ones.
_KNOWN = (1, 2, 3)


def code_of(state: str, exit_code: int | None) -> int:
    """Return the exit code of a stage or a deployment that has ended."""
    if state in {*GOOD, DeploymentState.DEPLOYED}:
        return PASSED
    return exit_code if exit_code in _KNOWN else 1
