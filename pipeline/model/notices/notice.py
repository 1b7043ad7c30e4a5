"""A notice: one thing that has happened, described once for all channels."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from slipway.model.notices.cleaning import Line, Lines, Long, Word
from slipway.model.notices.details import (
    MOST_NOTICES,
    MOST_PICTURES,
    MOST_TESTS,
    Approvals,
    Blamed,
    Concerned,
    FailedTest,
    LogEnd,
    Measure,
    PictureDetail,
    StageDetail,
    Told,
)
from slipway.model.notices.events import EVENTS, Event, Mood

__all__ = ["SCHEMA", "Notice"]

#: The version of the description. New keys with a default do not raise it.
SCHEMA = 1


class Notice(BaseModel):
    """One thing that has happened.

    Its texts may come from anybody who commits. They are cleaned and limited here: a line holds no
    line end, no control character and no mark of direction. They are still text, not HTML and not
    the commands of any protocol: who writes them into either has to quote them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_: Literal[1] = Field(
        default=1,
        validation_alias=AliasChoices("schema", "schema_"),
        serialization_alias="schema",
    )
    """The version of this description."""
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.:_-]{0,119}$")
    """Names what has happened: the same thing has the same id for ever, whatever is restarted."""
    event: Event
    title: Line
    """All of it in one line for people: "almanac 1.4.0+7 (main) failed in tests"."""
    at: float
    """Time of the event, in seconds since 1970."""
    url: Long
    """URL of its page; of a gate the one that opens its dialog."""
    thread: str = Field(default="", pattern=r"^[a-z0-9.:_-]{0,120}$")
    """What belongs together has the same: one for each run. Empty: it stands alone."""
    topic: Word = ""
    """A later notice of the same thread and topic takes the place of this one, for channels that
    show the latest alone: "stage:tests"."""

    project: Word = ""
    """Empty: it concerns the site."""
    run: int | None = None
    """The run's number. None: it concerns no run."""
    version: Line = ""
    branch: Line = ""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{7,64})?$")
    """The full hash of the commit."""
    repository: Long = ""
    """The repository as pipeline.toml has it, without a password. Empty: it concerns no run."""
    subject: Line = ""
    """The first line of the commit's message."""
    author: Line = ""
    """The author of the commit."""
    stage: Word = ""
    """The stage that failed first, the gate's, or the one that deployed or published."""
    environment: Word = ""
    """The environment of the deployment."""
    worker: Word = ""
    """The worker that is missing or back."""
    person: Line = ""
    """Who did it: started, asked, approved, rejected, blocked. Empty: the machine."""
    text: Line = ""
    """Why, in one sentence; empty where the event says all."""
    comment: Lines = ""
    """What the person wrote about it."""

    tests: tuple[FailedTest, ...] = Field(default=(), max_length=MOST_TESTS)
    tests_failed: int = 0
    """How many failed; `tests` has the first of them."""
    logs: tuple[LogEnd, ...] = Field(default=(), max_length=3)
    pictures: tuple[PictureDetail, ...] = Field(default=(), max_length=MOST_PICTURES)
    values: dict[Word, Line] = Field(default_factory=dict)
    """What was entered at the gate, by the parameter's name; secrets are not in it."""
    approvals: Approvals | None = None
    changed: StageDetail | None = None
    """Only of `stage-changed`."""
    measure: Measure | None = None
    places: tuple[Long, ...] = Field(default=(), max_length=20)
    """Where people find the release."""
    blamed: tuple[Blamed, ...] = Field(default=(), max_length=20)
    concerned: tuple[Concerned, ...] = Field(default=(), max_length=200)
    """Whom it concerns; who is told of it is decided by rules."""
    notices: tuple[Told, ...] = Field(default=(), max_length=MOST_NOTICES)
    """Only of `digest`."""
    left_out: int = 0
    """How many more a digest stands for."""

    @property
    def mood(self) -> Mood:
        """What it means to people."""
        return EVENTS[self.event].mood
