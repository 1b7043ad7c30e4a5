"""What a stage says while it works. One event is one JSON object of at most 4,000 bytes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

#: A Buildbot worker splits log lines at 4,096 bytes.
LIMIT = 4000

#: What an event's record begins with (RFC 7464).
RECORD_SEPARATOR = "\x1e"

#: How many failures a stage's page shows with all there is to see of them.
MOST_SHOWN = 20

Role = Literal["product", "report"]
#: "flaky" failed first and passed when tried again; "quarantined" failed and does not count.
Status = Literal["passed", "failed", "error", "skipped", "flaky", "quarantined"]


class Event(BaseModel):
    """One thing a stage says."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Progress(Event):
    """How far the work is: `done` of `total`, in whatever unit the text names."""

    event: Literal["progress"] = "progress"
    text: str
    done: float | None = None
    total: float | None = None

    @property
    def line(self) -> str:
        """The text with its numbers: "45/52 scenarios, 1 failed"."""
        if not self.total or self.done is None:
            return self.text
        return f"{self.done:g}/{self.total:g} {self.text}"


class TestResult(Event):
    """One test case's result, the same form for every runner."""

    __test__ = False

    event: Literal["test"] = "test"
    suite: str
    name: str
    status: Status
    seconds: float = 0.0
    file: str | None = None
    line: int | None = None
    attempt: int = 1
    message: str = ""
    step: str = ""
    """The step that failed, where the runner has steps."""

    @property
    def place(self) -> str:
        """File and line, as far as they are known; evidence names its test by it."""
        return f"{self.file or ''}:{self.line or 0}"


class ArtefactLeft(Event):
    """A file for later stages (product) or for people to read (report)."""

    event: Literal["artefact"] = "artefact"
    path: str
    """Where it lies on the machine that ran the stage, absolute."""
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    media_type: str = "application/octet-stream"
    role: Role = "product"


class Evidence(Event):
    """Something to look at on the run's page. Its bytes follow as pieces, and then its test."""

    path: str
    title: str = ""
    test: str = ""
    """The test it belongs to, as `file:line`; empty: none."""
    media_type: str = "application/octet-stream"
    size: int = Field(default=0, ge=0)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Empty: its bytes do not follow."""
    missing: str = ""
    """Why they do not, such as "is too large"."""


class Picture(Evidence):
    """A picture for the run's page."""

    event: Literal["picture"] = "picture"


class Document(Evidence):
    """A text for the run's page: a saved page, a console, the end of a log."""

    event: Literal["document"] = "document"


class Piece(Event):
    """The next bytes of a picture or document, in base64."""

    event: Literal["piece"] = "piece"
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    data: str


class Summary(Event):
    """The stage in one line, and what it measured (small: numbers, versions)."""

    event: Literal["summary"] = "summary"
    text: str
    facts: dict[str, Any] = Field(default_factory=dict)


class Notice(Event):
    """A sentence a person should see."""

    event: Literal["notice"] = "notice"
    text: str
    level: Literal["info", "warning", "error"] = "info"


AnyEvent = Annotated[
    Progress | TestResult | ArtefactLeft | Picture | Document | Piece | Summary | Notice,
    Field(discriminator="event"),
]
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent, config=ConfigDict(defer_build=True))


def part_line(line: str) -> tuple[str, AnyEvent | None]:
    """Part a line of a stage's output into log and event.

    A program may have left its own last line open: then the event begins in the middle.

    Returns:
        The log's part, and the event; a record that is no event is log.
    """
    log, mark, record = line.partition(RECORD_SEPARATOR)
    if not mark:
        return line, None
    try:
        return log and f"{log}\n", EVENTS.validate_json(record)
    except ValidationError:
        return line if log else record, None
