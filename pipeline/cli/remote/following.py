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
from slipway.model.states import DeploymentState, StageState
from slipway.scripts.terminal_text import escape

_INTERRUPTED = 130
#: Seconds between two polls: at first, and later.
_PAUSE, _LONGER, _AT_FIRST = 0.5, 2.0, 30.0
#: Seconds for which a master may be unreachable: it may be restarting.
PATIENCE = 120.0


@dataclass(frozen=True)
class News:
    """A message that is printed once."""

    key: str
    line: str
    """The message as rich markup."""
    lasting: bool = True
    """False: a terminal shows it only while it is current; other outputs get a line."""


@dataclass(frozen=True)
class Sight:
    """The present state of what is followed."""

    facts: dict[str, Any]
    """The keys for JSON that the reference documents."""
    news: list[News] = field(default_factory=list)
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

    def look(self) -> Sight:
        """Query the present state."""


def conclude(followed: Followed, options: argparse.Namespace, told: str) -> int:
    """Print the request's result, wait for the outcome, and print that.

    Args:
        followed: The run, stage or gate to follow.
        options: `no_wait`, `timeout` and `json`.
        told: The result of the request, as a sentence.

    Returns:
        The outcome's exit code; 4 if it is not over yet.
    """
    if not options.json:
        terminal().print(told, markup=False)
    if options.no_wait:
        if options.json:
            print_json(_facts(followed.look(), PASSED, told))
        return PASSED
    sight, code, sentence = _wait(followed, options)
    if options.json and sight is not None:
        print_json(_facts(sight, code, sentence))
    elif sentence:
        terminal().print(sentence, markup=False)
    return code


def _facts(sight: Sight, code: int, sentence: str) -> dict[str, Any]:
    over = sight.code is not None
    return {**sight.facts, "over": over, "exit_code": code, "sentence": sentence}


def _wait(followed: Followed, options: argparse.Namespace) -> tuple[Sight | None, int, str]:
    """Wait for the outcome; return the last state, the exit code and the last sentence."""
    look_at = f"look: {followed.command}"
    sight = None
    try:
        with _Progress(followed.name, on_stderr=options.json) as progress:
            for sight in _sights(followed, progress, options.timeout):
                progress.show(sight)
                if sight.code is not None:
                    return sight, sight.code, sight.sentence
                if sight.held and options.timeout is None:
                    told = (
                        f"{followed.name} waits: {sight.held}; {look_at}, or wait: --timeout TIME"
                    )
                    return sight, NOT_OVER, told
    except KeyboardInterrupt:
        print(f"\n{followed.name} goes on; {look_at}", file=sys.stderr)  # noqa: T201
        return None, _INTERRUPTED, ""
    waits = sight.held or sight.status if sight is not None else ""
    told = f"{followed.name} is not over after {format_duration(options.timeout)}"
    return sight, NOT_OVER, "; ".join(part for part in (told, waits, look_at) if part)


def _sights(followed: Followed, progress: _Progress, timeout: float | None) -> Iterator[Sight]:
    """Yield the state at each poll until the timeout."""
    began = last_seen = time.monotonic()
    seen = False
    while True:
        try:
            yield followed.look()
            seen, last_seen = True, time.monotonic()
        except MissingTool as error:
            if not seen or time.monotonic() - last_seen > PATIENCE:
                told = f"{followed.name} goes on; look: {followed.command}"
                raise MissingTool(f"{error}; {told}" if seen else str(error)) from None
            progress.say(News("away", "[yellow]the master does not answer; trying again[/]"))
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
        self._said: set[str] = set()
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

    def show(self, sight: Sight) -> None:
        """Show the present state."""
        for one in sight.news:
            if one.lasting or not self._live:
                self.say(one)
        if self._status is not None:
            took = format_duration(time.monotonic() - self._began)
            goes_on = sight.held or sight.status
            self._status.update(f"{escape(self._name)}: {escape(goes_on)} [dim]{took}[/]")

    def say(self, news: News) -> None:
        """Print a message, unless it was printed before."""
        if news.key not in self._said:
            self._said.add(news.key)
            self._console.print(news.line)


#: Maps a stage's exit code to this command's; the reference lists the possible ones.
_KNOWN = (1, 2, 3)


def code_of(state: str, exit_code: int | None) -> int:
    """Return the exit code of a stage or a deployment that has ended."""
    if state in {StageState.PASSED, StageState.SKIPPED, DeploymentState.DEPLOYED}:
        return PASSED
    return exit_code if exit_code in _KNOWN else 1
