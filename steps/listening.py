"""Hearing a stage script: its events out of its output, the rest into the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from buildbot.process.remotecommand import RemoteShellCommand

from slipway.model.event import (
    AnyEvent,
    ArtefactLeft,
    Document,
    Notice,
    Picture,
    Piece,
    Progress,
    Summary,
    TestResult,
    part_line,
)


class Heard:
    """What a stage has said so far."""

    def __init__(self) -> None:
        self.artefacts: list[ArtefactLeft] = []
        self.tests: list[TestResult] = []
        self.errors: list[str] = []
        self.progress: Progress | None = None
        self.summary = ""
        self.facts: dict[str, Any] = {}

    def take(self, event: AnyEvent) -> str:
        """Remember an event; return the line the log gets for it."""
        if isinstance(event, ArtefactLeft):
            self.artefacts.append(event)
            return f"artefact {event.name}: {event.size:,} bytes, sha256 {event.sha256}\n"
        if isinstance(event, TestResult):
            self.tests.append(event)
            said = f"\n{event.message}" if event.message else ""
            return f"{event.status}: {event.suite} {event.name} ({event.seconds:.3f}s){said}\n"
        if isinstance(event, Progress):
            self.progress = event
            return f"{event.text}\n"
        if isinstance(event, Summary):
            self.summary, self.facts = event.text, event.facts
            return f"{event.text}\n"
        if isinstance(event, Notice):
            if event.level == "error":
                self.errors.append(event.text)
            return f"{event.level}: {event.text}\n"
        return _shown(event)

    @property
    def line(self) -> str:
        """The stage in one line, as far as it is known."""
        if self.errors:
            return self.errors[-1]
        if self.summary:
            return self.summary
        return self.progress.line if self.progress else ""


def _shown(event: Picture | Document | Piece) -> str:
    if isinstance(event, Piece):
        return ""
    told = f", which {event.missing}" if event.missing else ""
    return f"{event.event} {event.path}{told}\n"


class ScriptCommand(RemoteShellCommand):
    """A shell command of a worker (an argument list) whose events go to a listener."""

    def __init__(self, *arguments: Any, heard: Callable[[AnyEvent], str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._heard = heard

    def add_stdout_lines(self, data: str, is_flushed: bool) -> Any:
        """Take whole lines of output: events to the listener, all as text to the log."""
        # Not splitlines(): that would part a line at the record separator, too.
        lines = data.removesuffix("\n").split("\n")
        text = "".join(self._line(f"{line}\n") for line in lines)
        return super().add_stdout_lines(text, is_flushed)

    def _line(self, line: str) -> str:
        text, event = part_line(line)
        return text if event is None else text + self._heard(event)
