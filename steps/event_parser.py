"""Parse a stage script's output: events go to a listener, the rest into the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from buildbot.process.remotecommand import RemoteShellCommand
from twisted.internet import defer
from twisted.python import log

from slipway.model.protocol.bounded_text import Output
from slipway.model.protocol.event import (
    RECORD_SEPARATOR,
    AnyEvent,
    ArtefactLeft,
    Document,
    Notice,
    Picture,
    Piece,
    Progress,
    Summary,
    TargetEnded,
    TargetEvent,
    TargetFile,
    TargetRemoved,
    TestResult,
    read_event,
)
from slipway.model.protocol.event_codes import CodeReader
from slipway.model.secrets.masking import MaskedStream, Masker, masked_event
from slipway.steps.log_queue import LogQueue

__all__ = ["FORGED", "ScriptCommand", "StageEvents"]

#: Log line that is written once, below text that looks like an event but is none.
FORGED = (
    "warning: the line above looks like an event and is none of the stage's own script: it is "
    "shown and not obeyed\n"
)
#: Line by which a script announces that it waits for its input; its worker may pass it on.
_READY = "slipway: ready\n"
#: Characters at the start and at the end of the log that are kept: the script has bounded its own
#: output, but a worker may send more than the script wrote.
_HEAD = 16_000_000
_TAIL = 2_000_000
#: Maximum characters of a worker's own messages about the script.
_HEADERS = 100_000
#: Keys of updates that are accepted from a worker.
_ACCEPTED = frozenset({"stdout", "stderr", "header", "rc", "failure_reason"})


class StageEvents:
    """The accumulated events of a stage."""

    def __init__(self) -> None:
        self.artefacts: list[ArtefactLeft] = []
        self.errors: list[str] = []
        self.progress: Progress | None = None
        self.summary = ""
        self.facts: dict[str, Any] = {}
        self.refusal = ""
        """The reason why an event of the script itself was refused; then no artefacts are kept."""

    def take(self, event: AnyEvent) -> str:
        """Record an event; return its line for the log."""
        if isinstance(event, ArtefactLeft):
            self.artefacts.append(event)
            return f"artefact {event.name}: {event.size:,} bytes, sha256 {event.sha256}\n"
        if isinstance(event, TestResult):
            details = f"\n{event.message}" if event.message else ""
            return f"{event.status}: {event.suite} {event.name} ({event.seconds:.3f}s){details}\n"
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

    def refuse(self, why: str) -> str:
        """Record that the script sent something forbidden; return the line for the log."""
        self.refusal = self.refusal or why
        return f"error: {why}\n"

    @property
    def line(self) -> str:
        """One line about the stage's present state."""
        if self.refusal:
            return self.refusal
        if self.errors:
            return self.errors[-1]
        if self.summary:
            return self.summary
        return self.progress.line if self.progress else ""


def _shown(
    event: Picture | Document | Piece | TargetEvent,
) -> str:
    if isinstance(event, TargetFile):
        return f"{event.target}: {event.file} is {event.state}\n"
    if isinstance(event, TargetEnded):
        return f"{event.target}: {event.state}: {event.text or event.place}\n"
    if isinstance(event, TargetRemoved):
        return f"{event.target}: {event.version} is removed\n"
    if isinstance(event, Piece):
        return ""
    remark = f", which {event.missing}" if event.missing else ""
    return f"{event.event} {event.path}{remark}\n"


class _NeverHolding(MaskedStream):
    """Masks the last lines of a stream, after which none follows."""

    def take(self, text: str) -> str:
        """Take lines and return them, masked."""
        return super().take(text) + self.end()


class ScriptCommand(RemoteShellCommand):
    """A worker's shell command (an argument list) whose events go to a listener.

    Nothing printed by the command may raise an exception: Buildbot would blame the worker, and give
    it no builds for some time.
    """

    def __init__(
        self,
        *arguments: Any,
        key: str,
        on_event: Callable[[AnyEvent], str],
        on_refused: Callable[[str], str],
        secrets: Iterable[str] = (),
        **options: Any,
    ) -> None:
        """Initialize.

        Args:
            arguments: Arguments of Buildbot's command.
            key: The secret key that authenticates the script's events.
            on_event: Takes an event; returns its text for the log.
            on_refused: Called with the reason when an event of the script itself is refused.
            secrets: Values to mask in the log and the events: the script masks them, but a
                worker may send more than the script wrote.
            options: Options of Buildbot's command.
        """
        super().__init__(*arguments, **options)
        self._codes = CodeReader(key)
        self._on_event, self._on_refused = on_event, on_refused
        self._warned = False
        self._masker = Masker(secrets)
        self._masked = [MaskedStream(self._masker) for _ in range(2)]
        self._output, self._errors = Output(_HEAD, _TAIL), Output(_TAIL, _TAIL)
        self._headers = Output(_HEADERS, 0)
        self._queue = LogQueue(self._write)

    def add_stdout_lines(self, data: str, is_flushed: bool) -> Any:
        """Take whole lines of stdout: events go to the listener, all of it as text to the log."""
        # Not splitlines(): it also splits at the record separator.
        lines = data.removesuffix("\n").split("\n")
        text = "".join(self._line(f"{line}\n") for line in lines)
        now = self._output.take(self._masked[0].take(text))
        return self._queue.put("stdout", now) if now else defer.succeed(None)

    def add_stderr_lines(self, data: str, is_flushed: bool) -> Any:
        """Take whole lines of stderr into the log."""
        now = self._errors.take(self._masked[1].take(data))
        return self._queue.put("stderr", now) if now else defer.succeed(None)

    def add_header_lines(self, data: Any) -> Any:
        """Take the worker's own messages into the log, bounded and masked like the rest."""
        now = self._headers.take(self._masker.mask(str(data)))
        return self._queue.put("header", now) if now else defer.succeed(None)

    async def _write(self, stream: str, text: str) -> None:
        """Write whole lines to the log."""
        if stream == "header":
            await super().add_header_lines(text)
        elif stream == "stderr":
            await super().add_stderr_lines(text, is_flushed=False)
        else:
            await super().add_stdout_lines(text, is_flushed=False)

    def remoteUpdate(self, key: Any, value: Any, is_flushed: bool) -> Any:
        """Accept only the updates of a script's command: Buildbot keeps all others in memory.

        An update of the kind "log" would reach our log without being parsed, bounded or masked.
        """
        if key not in _ACCEPTED or (key == "rc" and self.rc is not None):
            return defer.succeed(None)
        return super().remoteUpdate(key, value, is_flushed)

    async def remoteComplete(self, failure: Any) -> None:
        """Write the kept end of a log that was too long, before Buildbot closes the log."""
        if end := self._output.take(self._masked[0].end()) + self._output.end():
            self._queue.put("stdout", end)
        if end := self._errors.take(self._masked[1].end()) + self._errors.end():
            self._queue.put("stderr", end)
        # Flush lines without a line end.
        self._output = self._errors = Output(_TAIL, 0)
        self._masked = [_NeverHolding(self._masker) for _ in range(2)]
        await self._queue.written()
        await super().remoteComplete(failure)

    def _line(self, line: str) -> str:
        if line == _READY:
            return ""
        text, mark, record = line.partition(RECORD_SEPARATOR)
        if not mark:
            return line
        json = self._codes.plain(record.rstrip("\r\n"))
        if json is None:
            return self._forged(text, record)
        try:
            event = masked_event(read_event(json), self._masker)
            return f"{text and text + chr(10)}{self._on_event(event)}"
        except ValueError as error:
            return self._on_refused(self._masker.mask(str(error)))
        except Exception:  # noqa: BLE001  whatever it is, it must not be the worker's fault
            log.err(None, "an event could not be taken")
            return self._on_refused("an event could not be taken; see the master's log")

    def _forged(self, text: str, record: str) -> str:
        """Return the log's text for a record that looks like an event but is not the script's."""
        warning = "" if self._warned else FORGED
        self._warned = True
        return f"{text}{record.replace(RECORD_SEPARATOR, '')}{warning}"
