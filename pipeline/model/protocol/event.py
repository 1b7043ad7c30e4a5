"""Events that a stage reports while it runs. Each is one JSON object of at most 4,000 bytes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from slipway.model.protocol.artefact_name import LONGEST, ArtefactName
from slipway.model.states import TOLD_OF_FILES, FileState

__all__ = [
    "EVENTS",
    "LIMIT",
    "MOST_SHOWN",
    "RECORD_SEPARATOR",
    "AnyEvent",
    "ArtefactLeft",
    "Document",
    "Event",
    "Evidence",
    "Notice",
    "Number",
    "Picture",
    "Piece",
    "Progress",
    "Role",
    "Status",
    "Summary",
    "TargetEnded",
    "TargetEvent",
    "TargetFile",
    "TargetName",
    "TargetRemoved",
    "TestResult",
    "event_problem",
    "part_line",
    "read_event",
]

#: A Buildbot worker splits log lines at 4,096 bytes.
LIMIT = 4000
#: Limits of databases and browsers: a 32-bit row number, and an exact JavaScript number.
_MOST_LINES = 2**31 - 1
_MOST_BYTES = 2**53
_DEEPEST = 20

#: First character of an event's record (RFC 7464).
RECORD_SEPARATOR = "\x1e"

#: Maximum number of failures that a stage's page shows with all details.
MOST_SHOWN = 20

Role = Literal["product", "report"]
#: "flaky": failed first and passed when retried; "quarantined": failed, but does not count.
Status = Literal["passed", "failed", "error", "skipped", "flaky", "quarantined"]


Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
#: Name of a target: that of its settings, else its kind.
TargetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def _plain(value: Any, depth: int = 0) -> None:
    """Refuse values that a JSON column cannot hold."""
    if depth > _DEEPEST:
        msg = f"facts are nested deeper than {_DEEPEST}"
        raise ValueError(msg)
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"a fact is {value}, which is no number"
        raise ValueError(msg)
    if isinstance(value, int) and abs(value) > _MOST_BYTES:
        msg = f"a fact is a whole number beyond {_MOST_BYTES}"
        raise ValueError(msg)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for one in value:
        _plain(one, depth + 1)


def _plain_facts(facts: dict[str, Any]) -> dict[str, Any]:
    _plain(facts)
    return facts


class Event(BaseModel):
    """Base class of events."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Progress(Event):
    """Progress of the work: `done` of `total`, in the unit named by the text."""

    event: Literal["progress"] = "progress"
    text: str
    done: Number | None = None
    total: Number | None = None

    @property
    def line(self) -> str:
        """The text with its numbers: "45/52 scenarios, 1 failed"."""
        if not self.total or self.done is None:
            return self.text
        return f"{self.done:g}/{self.total:g} {self.text}"


class TestResult(Event):
    """Result of one test case, in the same form for every runner."""

    __test__ = False

    event: Literal["test"] = "test"
    suite: str
    name: str
    status: Status
    seconds: Number = 0.0
    file: str | None = None
    line: int | None = Field(default=None, ge=-1, le=_MOST_LINES)
    attempt: int = Field(default=1, ge=0, le=_MOST_LINES)
    message: str = ""
    step: str = ""
    """The failed step, for runners with steps."""

    @property
    def place(self) -> str:
        """File and line, as far as known; evidence refers to its test by this."""
        return f"{self.file or ''}:{self.line or 0}"


class ArtefactLeft(Event):
    """A file for later stages (product) or for people to read (report)."""

    event: Literal["artefact"] = "artefact"
    path: str
    """Absolute path on the machine that ran the stage."""
    name: ArtefactName
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, le=_MOST_BYTES)
    media_type: str = Field(default="application/octet-stream", max_length=127)
    role: Role = "product"


class Evidence(Event):
    """Evidence for the run's page. Pieces with its bytes follow, and then its test."""

    path: str
    title: str = ""
    test: str = ""
    """The test it belongs to, as `file:line`. Empty: none."""
    media_type: str = "application/octet-stream"
    size: int = Field(default=0, ge=0, le=_MOST_BYTES)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Empty: no pieces follow."""
    missing: str = ""
    """The reason why no pieces follow, such as "is too large"."""


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
    """Summary of the stage in one line, with small facts (numbers, versions)."""

    event: Literal["summary"] = "summary"
    text: str
    facts: Annotated[dict[str, Any], AfterValidator(_plain_facts)] = Field(default_factory=dict)


class Notice(Event):
    """A sentence for people."""

    event: Literal["notice"] = "notice"
    text: str
    level: Literal["info", "warning", "error"] = "info"


class TargetFile(Event):
    """A file of a release has another state at a target. A file that is not told of is absent."""

    event: Literal["target-file"] = "target-file"
    target: TargetName
    file: ArtefactName
    """Its name in the release."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    state: FileState

    @field_validator("state")
    @classmethod
    def _is_told_of_files(cls, state: FileState) -> FileState:
        if state not in TOLD_OF_FILES:
            msg = "a file is removed with its release alone: tell target-removed"
            raise ValueError(msg)
        return state


class TargetEnded(Event):
    """A target has the whole release, or has failed. What it has of it stays there."""

    event: Literal["target-ended"] = "target-ended"
    target: TargetName
    state: Literal["public", "failed"]
    place: str = Field(default="", max_length=2000)
    """Where people find the release: a path or an address. Empty: it failed."""
    text: str = ""
    """Why it failed, in one sentence. Empty: it is public."""


class TargetRemoved(Event):
    """A target has an older release no more, as its `keep` says."""

    event: Literal["target-removed"] = "target-removed"
    target: TargetName
    version: Annotated[str, Field(min_length=1, max_length=LONGEST)]


#: What a script tells of the targets of a release.
TargetEvent = TargetFile | TargetEnded | TargetRemoved
AnyEvent = Annotated[
    Progress
    | TestResult
    | ArtefactLeft
    | Picture
    | Document
    | Piece
    | Summary
    | Notice
    | TargetFile
    | TargetEnded
    | TargetRemoved,
    Field(discriminator="event"),
]
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent, config=ConfigDict(defer_build=True))


def read_event(record: str) -> AnyEvent:
    """Parse an event from its record.

    Args:
        record: The JSON; NUL characters, which databases do not store, are replaced.

    Raises:
        ValueError: It is no event; the message names the wrong key in one sentence.
    """
    if len(record) > LIMIT:
        msg = f"an event has {len(record)} characters; it may have {LIMIT}"
        raise ValueError(msg)
    try:
        return EVENTS.validate_json(record.replace("\\u0000", "\\ufffd"))
    except ValidationError as error:
        raise ValueError(event_problem(error)) from None


def event_problem(error: ValidationError) -> str:
    """Return the reason why something is no event, in one sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    if (cause := first.get("ctx", {}).get("error")) is not None:
        return str(cause)
    return f"{'.'.join(map(str, first['loc'])) or 'an event'}: {first['msg']}"[:300]


def part_line(line: str) -> tuple[str, AnyEvent | None]:
    """Split a line of output into its log part and event; for events without codes.

    The event begins in the middle if a program has not ended its last line.

    Returns:
        The log part, and the event; an invalid record counts as log.
    """
    log, mark, record = line.partition(RECORD_SEPARATOR)
    if not mark:
        return line, None
    try:
        return log and f"{log}\n", read_event(record)
    except ValueError:
        return line if log else record, None
