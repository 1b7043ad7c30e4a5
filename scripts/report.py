"""Report a stage's events: to a person in a terminal, or to a worker as JSON.

For a worker each event is one record of a JSON text sequence (RFC 7464): the byte 0x1E, the JSON, a
line feed. Anything else on the output is log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal

from rich.console import Console

from slipway.model.errors import StageFailed
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.protocol.bounded_text import Messages, Output
from slipway.model.protocol.event import (
    LIMIT,
    RECORD_SEPARATOR,
    AnyEvent,
    ArtefactLeft,
    Document,
    Notice,
    Picture,
    Piece,
    Progress,
    Role,
    Summary,
    TargetEnded,
    TestResult,
)
from slipway.model.protocol.event_codes import CODE_ROOM, Coder
from slipway.scripts.opened_files import open_plain, parts_below
from slipway.scripts.terminal_text import escape

__all__ = ["LARGEST", "ConsoleReport", "Report", "SequenceReport", "encode", "hash_file"]

_CUT = " [cut]"
_SHORTEST_NAME = 200
#: Bytes of a piece: base64-encoded and wrapped, it gives an event of less than `LIMIT` bytes.
_PIECE = 2_800
#: Largest picture or document sent, in bytes; a screenshot has about 100,000.
LARGEST = 2_000_000
#: Characters of a stage's output forwarded immediately, and of its end.
_HEAD = 8_000_000
_TAIL = 1_000_000


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _measure(path: Path, root: Path | None, examine: Callable[[BinaryIO], None]) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of a file, from one open descriptor.

    Args:
        path: The file.
        root: The folder it must lie in, without links on the way. None: its parent.
        examine: Called with the open file first; raises if the file may not be left.

    Raises:
        StageFailed: It is not a plain file, or lies elsewhere.
    """
    base = path.parent if root is None else root
    parts = parts_below(path, base)
    if parts is None:
        msg = f"{path} cannot be left: it is not in the output folder {base}"
        raise StageFailed(msg)
    try:
        opened = open_plain(base, parts)
        with os.fdopen(opened, "rb") as stream:
            examine(stream)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return stream.tell(), digest
    except OSError as error:
        msg = f"{path} cannot be left: {error.strerror}"
        raise StageFailed(msg) from None


def encode(event: AnyEvent) -> str:
    """Encode an event as one JSON text sequence record of at most `LIMIT` bytes, code included.

    Long messages and texts are truncated to fit, then names; a summary's largest facts are dropped.

    Raises:
        ValueError: Nothing in it may be truncated, as in an artefact's path.
    """
    line = event.model_dump_json()
    while (over := len(line.encode()) + 2 + CODE_ROOM - LIMIT) > 0:
        event = _smaller(event, over)
        line = event.model_dump_json()
    return f"{RECORD_SEPARATOR}{line}\n"


def _smaller(event: AnyEvent, over: int) -> AnyEvent:
    field = "message" if isinstance(event, TestResult) else "text"
    text = str(getattr(event, field, ""))
    if len(text) > len(_CUT):
        kept = text.removesuffix(_CUT)
        cut = kept[: max(0, len(kept) - max(over, 20))] + _CUT
        return event.model_copy(update={field: cut})
    if isinstance(event, TestResult) and len(event.name) > _SHORTEST_NAME:
        # The hash keeps two long names with a common start distinct.
        mark = hashlib.sha256(event.name.encode()).hexdigest()[:12]
        kept = event.name[: max(_SHORTEST_NAME - 30, len(event.name) - over - 30)]
        return event.model_copy(update={"name": f"{kept} [cut {mark}]"})
    if isinstance(event, Summary) and event.facts:
        largest = max(event.facts, key=lambda key: len(json.dumps(event.facts[key], default=str)))
        facts = {key: value for key, value in event.facts.items() if key != largest}
        return event.model_copy(update={"facts": facts})
    msg = f"this event cannot be cut to {LIMIT} bytes: {event.model_dump_json()[:200]}"
    raise ValueError(msg)


class Report:
    """The interface of stage scripts to the outside. Subclasses decide where events go."""

    root: Path | None = None
    """The folder that artefacts must lie in. None: any folder."""
    sends = False
    """True: the bytes of pictures and documents are sent with the events."""

    def emit(self, event: AnyEvent) -> None:
        """Send one event."""
        raise NotImplementedError

    def log(self, text: str) -> None:
        """Forward one or more lines of a tool's own output."""
        raise NotImplementedError

    def end(self) -> None:
        """Flush held output; nothing may follow."""

    def flush(self) -> None:
        """Flush held output of a stage that has ended."""

    def mask(self, text: str) -> str:
        """Return a text with its secrets masked."""
        return text

    def shown(self, data: bytes, media_type: str) -> bytes:  # noqa: ARG002  overrides need it
        """Return the bytes of a picture or document as they may be shown."""
        return data

    def examine(self, stream: BinaryIO, called: str) -> None:
        """Check a file's content; raises `StageFailed` if it may not be left."""

    def progress(self, text: str, done: float | None = None, total: float | None = None) -> None:
        """Report progress."""
        self.emit(Progress(text=text, done=done, total=total))

    def test(self, result: TestResult) -> None:
        """Report one test case's result."""
        self.emit(result)

    def artefact(
        self, path: Path, *, name: str | None = None, role: Role = "product"
    ) -> ArtefactLeft:
        """Hash a file and leave it for later stages or for people.

        Args:
            path: The file; its folder is irrelevant to later stages.
            name: Its name from now on. None: the file's own name.
            role: "product" goes to later stages, "report" is for people.

        Raises:
            StageFailed: The name is refused, it is not a plain file in the output folder, or its
                content may not be left.
        """
        called = name or path.name
        if refusal := name_refusal(called):
            raise StageFailed(refusal)
        size, digest = _measure(path, self.root, lambda stream: self.examine(stream, called))
        event = ArtefactLeft(
            path=os.path.abspath(path),  # noqa: PTH100  links are not resolved
            name=called,
            sha256=digest,
            size=size,
            media_type=mimetypes.guess_type(called)[0] or "application/octet-stream",
            role=role,
        )
        self.emit(event)
        return event

    def picture(self, path: Path, title: str = "", test: str = "") -> None:
        """Add a picture to the run's page.

        A missing file, or one larger than `LARGEST`, is reported in the event; it is not an error.

        Args:
            path: The file.
            title: Its caption.
            test: The test it belongs to, as `file:line`; that test's result must come after it.
        """
        kind = mimetypes.guess_type(path.name)[0] or "image/png"
        self._show(Picture(path=str(path.resolve()), title=title, test=test, media_type=kind))

    def document(
        self, path: Path, title: str = "", test: str = "", media_type: str = "text/plain"
    ) -> None:
        """Add a text to the run's page, as `picture` does."""
        event = Document(path=str(path.resolve()), title=title, test=test, media_type=media_type)
        self._show(event)

    def _show(self, event: Picture | Document) -> None:
        data, missing, path = b"", "", Path(event.path)
        try:
            opened = open_plain(path.parent, (path.name,))
            with os.fdopen(opened, "rb") as stream:
                size = os.fstat(opened).st_size
                if size > LARGEST:
                    missing = f"is too large to be shown: {size:,} bytes"
                elif self.sends:
                    data = self.shown(stream.read(LARGEST), event.media_type)
        except OSError as error:
            size, missing = 0, f"cannot be read: {error.strerror}"
        digest = hashlib.sha256(data).hexdigest() if data else ""
        self.emit(
            event.model_copy(
                update={"size": len(data) or size, "missing": missing, "sha256": digest}
            )
        )
        for start in range(0, len(data), _PIECE):
            piece = base64.b64encode(data[start : start + _PIECE]).decode("ascii")
            self.emit(Piece(sha256=digest, data=piece))

    def summary(self, text: str, **facts: Any) -> None:
        """Report the stage's one-line summary, with the measured facts."""
        self.emit(Summary(text=text, facts=facts))

    def notice(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Report a sentence for people."""
        self.emit(Notice(text=text, level=level))


class SequenceReport(Report):
    """A report that writes events as JSON text sequences, which a worker's step reads."""

    sends = True

    def __init__(self, stream: IO[str] | None = None, coder: Coder | None = None) -> None:
        """Open the report.

        Args:
            stream: The output. None: the standard output.
            coder: Adds an authentication code to each event. None: no codes.
        """
        self._stream = stream or sys.stdout
        self._coder = coder
        self._lock = threading.Lock()
        self._messages = Messages()
        self._output = Output(_HEAD, _TAIL)

    def emit(self, event: AnyEvent) -> None:
        """Write one record and flush it, so that it is visible at once."""
        with self._lock:
            if isinstance(event, TestResult):
                event = self._messages.bound(event)
            record = encode(event)
            if self._coder is not None:
                json = self._coder.coded(record[1:-1])
                record = f"{RECORD_SEPARATOR}{json}\n"
            self._write(record)

    def log(self, text: str) -> None:
        """Write lines, without record separators: these would look like events."""
        lines = text.replace(RECORD_SEPARATOR, "").rstrip("\n") + "\n"
        with self._lock:
            self._write(self._output.take(lines))

    def end(self) -> None:
        """Write the end of the output, if the middle was left out."""
        with self._lock:
            self._write(self._output.end())

    def _write(self, text: str) -> None:
        if text:
            self._stream.write(text)
            self._stream.flush()


_COLOURS = {"info": "cyan", "warning": "yellow", "error": "red"}
_MARKS = {
    "passed": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "error": "[red]✗[/]",
    "skipped": "[yellow]-[/]",
    "flaky": "[yellow]![/]",
    "quarantined": "[magenta]◌[/]",
}


class ConsoleReport(Report):
    """A report that prints events as lines for a person."""

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        self._console = console or Console(highlight=False, emoji=False)
        self._verbose = verbose
        with self._console.capture() as shown:
            self._console.out("|", style="dim", highlight=False)
        self._dim = shown.get().rstrip("\n").split("|")

    def emit(self, event: AnyEvent) -> None:
        """Print one event."""
        show = self._console.print
        if isinstance(event, Progress):
            of = (
                f" [dim]{event.done:g}/{event.total:g}[/]"
                if event.total and event.done is not None
                else ""
            )
            show(f"[dim]·[/] {escape(event.text)}{of}")
        elif isinstance(event, TestResult):
            self._show_test(event)
        elif isinstance(event, ArtefactLeft):
            show(
                f"[bold]→[/] {event.path} [dim]{event.size:,} bytes, sha256 {event.sha256[:12]}…[/]"
            )
        elif isinstance(event, Summary):
            show(f"[bold]{escape(event.text)}[/]")
        elif isinstance(event, Notice):
            show(f"[{_COLOURS[event.level]}]{escape(event.text)}[/]")
        elif isinstance(event, TargetEnded):
            colour, text = ("green", event.place) if event.place else ("red", event.text)
            show(f"{event.target}: [{colour}]{escape(text)}[/]")
        elif isinstance(event, Picture | Document):
            show(f"{event.event} {event.path}")

    def _show_test(self, event: TestResult) -> None:
        if self._verbose or event.status != "passed":
            self._console.print(f"{_MARKS[event.status]} {event.suite} {escape(event.name)}")
            if event.message:
                self._console.print(escape(event.message), style="dim")

    def log(self, text: str) -> None:
        """Print lines of a tool's output, dimmed."""
        # Written raw, without markup or wrapping, because there are thousands of lines.
        before, after = self._dim
        self._console.file.write(f"{before}{text.removesuffix(chr(10))}{after}\n")
        self._console.file.flush()
