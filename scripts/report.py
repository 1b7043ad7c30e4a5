"""How a stage says what it does: to a person in a terminal, or to a worker as JSON.

Under a worker each event is one JSON text sequence record (RFC 7464): the byte 0x1E, the JSON,
a line feed. Anything else on the output is log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import sys
import threading
from pathlib import Path
from typing import IO, Any, Literal

from rich.console import Console
from rich.markup import escape

from slipway.model.event import (
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
    TestResult,
)

_CUT = " [cut]"
_SHORTEST_NAME = 200
#: Bytes of a piece: in base64, with what stands around it, an event of less than `LIMIT`.
_PIECE = 2_800
#: Bytes of the largest picture or document that is sent; a screenshot has about 100,000.
LARGEST = 2_000_000


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def encode(event: AnyEvent) -> str:
    """Write an event as one JSON text sequence record of at most `LIMIT` bytes.

    Long messages and texts are cut to fit, then names; a summary's largest facts are left out.

    Raises:
        ValueError: Nothing of it may be cut, such as an artefact's path.
    """
    line = event.model_dump_json()
    while (over := len(line.encode()) + 2 - LIMIT) > 0:
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
        # Two long names that begin alike stay two.
        mark = hashlib.sha256(event.name.encode()).hexdigest()[:12]
        kept = event.name[: max(_SHORTEST_NAME - 30, len(event.name) - over - 30)]
        return event.model_copy(update={"name": f"{kept} [cut {mark}]"})
    if isinstance(event, Summary) and event.facts:
        largest = max(event.facts, key=lambda key: len(json.dumps(event.facts[key], default=str)))
        left = {key: value for key, value in event.facts.items() if key != largest}
        return event.model_copy(update={"facts": left})
    msg = f"this event cannot be cut to {LIMIT} bytes: {event.model_dump_json()[:200]}"
    raise ValueError(msg)


class Report:
    """What stage scripts speak to. Subclasses decide where events go."""

    sends = False
    """Whether the bytes of pictures and documents go with the events."""

    def emit(self, event: AnyEvent) -> None:
        """Pass one event on."""
        raise NotImplementedError

    def log(self, text: str) -> None:
        """Pass on a line of a tool's own output."""
        raise NotImplementedError

    def progress(self, text: str, done: float | None = None, total: float | None = None) -> None:
        """Say how far the work is."""
        self.emit(Progress(text=text, done=done, total=total))

    def test(self, result: TestResult) -> None:
        """Pass on one test case's result."""
        self.emit(result)

    def artefact(
        self, path: Path, *, name: str | None = None, role: Role = "product"
    ) -> ArtefactLeft:
        """Leave a file for later stages or for people; it is hashed here.

        Args:
            path: The file; its folder does not matter to later stages.
            name: What it is called from now on. None: the file's own name.
            role: "product" travels on, "report" is for people to read.
        """
        called = name or path.name
        event = ArtefactLeft(
            path=str(path.resolve()),
            name=called,
            sha256=hash_file(path),
            size=path.stat().st_size,
            media_type=mimetypes.guess_type(called)[0] or "application/octet-stream",
            role=role,
        )
        self.emit(event)
        return event

    def picture(self, path: Path, title: str = "", test: str = "") -> None:
        """Leave a picture for the run's page.

        One that is missing or larger than `LARGEST` is told, and no error.

        Args:
            path: The file.
            title: What it shows.
            test: The test it belongs to, as `file:line`; its result must come after it.
        """
        kind = mimetypes.guess_type(path.name)[0] or "image/png"
        self._show(Picture(path=str(path.resolve()), title=title, test=test, media_type=kind))

    def document(
        self, path: Path, title: str = "", test: str = "", media_type: str = "text/plain"
    ) -> None:
        """Leave a text for the run's page, as `picture` does."""
        told = Document(path=str(path.resolve()), title=title, test=test, media_type=media_type)
        self._show(told)

    def _show(self, told: Picture | Document) -> None:
        data = b""
        try:
            size = Path(told.path).stat().st_size
            missing = "" if size <= LARGEST else f"is too large to be shown: {size:,} bytes"
            if self.sends and not missing:
                data = Path(told.path).read_bytes()
        except OSError as error:
            size, missing = 0, f"cannot be read: {error.strerror}"
        digest = hashlib.sha256(data).hexdigest() if data else ""
        self.emit(
            told.model_copy(
                update={"size": len(data) or size, "missing": missing, "sha256": digest}
            )
        )
        for start in range(0, len(data), _PIECE):
            piece = base64.b64encode(data[start : start + _PIECE]).decode("ascii")
            self.emit(Piece(sha256=digest, data=piece))

    def summary(self, text: str, **facts: Any) -> None:
        """Say the whole stage in one line, with what was measured."""
        self.emit(Summary(text=text, facts=facts))

    def notice(self, text: str, level: Literal["info", "warning", "error"] = "info") -> None:
        """Say a sentence that a person should see."""
        self.emit(Notice(text=text, level=level))


class SequenceReport(Report):
    """Events as JSON text sequences on a stream: what a worker's step reads."""

    sends = True

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()

    def emit(self, event: AnyEvent) -> None:
        """Write one record and flush it, so that it is seen at once."""
        self._write(encode(event))

    def log(self, text: str) -> None:
        """Write a log line; a record separator in it would look like an event and is dropped."""
        self._write(text.replace(RECORD_SEPARATOR, "").rstrip("\n") + "\n")

    def _write(self, text: str) -> None:
        with self._lock:
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
    """Events as lines for a person."""

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
            if self._verbose or event.status != "passed":
                show(f"{_MARKS[event.status]} {event.suite} {escape(event.name)}")
                if event.message:
                    show(escape(event.message), style="dim")
        elif isinstance(event, ArtefactLeft):
            show(
                f"[bold]→[/] {event.path} [dim]{event.size:,} bytes, sha256 {event.sha256[:12]}…[/]"
            )
        elif isinstance(event, Summary):
            show(f"[bold]{escape(event.text)}[/]")
        elif isinstance(event, Notice):
            show(f"[{_COLOURS[event.level]}]{escape(event.text)}[/]")
        elif isinstance(event, Picture | Document):
            show(f"{event.event} {event.path}")

    def log(self, text: str) -> None:
        """Print a line of a tool's output, dimmed."""
        # As it came: no markup, no line broken where this screen ends. There are thousands of them.
        before, after = self._dim
        self._console.file.write(f"{before}{text.rstrip(chr(10))}{after}\n")
        self._console.file.flush()
