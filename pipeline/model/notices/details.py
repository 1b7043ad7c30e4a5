"""Details of notices: failed tests, logs, pictures, approvals, measured numbers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from slipway.model.notices.cleaning import Line, Lines, Long, Word
from slipway.model.notices.events import Concern, Event
from slipway.model.states import StageState

__all__ = [
    "MOST_NOTICES",
    "MOST_PICTURES",
    "MOST_TESTS",
    "Approvals",
    "Blamed",
    "Concerned",
    "Detail",
    "FailedTest",
    "LogEnd",
    "Measure",
    "PictureDetail",
    "StageDetail",
    "Told",
]

#: Maximum numbers in one notice; it says how many it leaves out.
MOST_TESTS, MOST_PICTURES, MOST_NOTICES = 20, 5, 50


class Detail(BaseModel):
    """Base class of details."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class FailedTest(Detail):
    """A test that failed."""

    stage: Word
    name: Line
    place: Line = ""
    """File and line, such as "tests/test_sums.py:12". Empty: not known."""
    message: Lines = ""


class LogEnd(Detail):
    """The end of the log of a stage that failed."""

    stage: Word
    text: Lines


class PictureDetail(Detail):
    """A picture that a failed scenario left; `Context.read_artefact` has its bytes."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: Line
    media_type: str = Field(pattern=r"^image/(png|jpeg|webp|gif)$")
    size: int = Field(ge=0)
    test: Line = ""


class Approvals(Detail):
    """What a gate still needs."""

    needed: int = 0
    given: tuple[Word, ...] = ()
    """Who has approved."""
    missing: int = 0
    roles: tuple[Word, ...] = ()
    """The roles that may approve."""
    expires_at: float | None = None


class StageDetail(Detail):
    """The stage that a `stage-changed` tells of."""

    name: Word
    cell: Word = ""
    """The cell of a matrix or shard; empty for a stage with a single cell."""
    state: StageState
    attempt: int = 1
    summary: Line = ""


class Measure(Detail):
    """What was measured, and its bound: free bytes, waiting stages."""

    name: Word
    value: float
    bound: float
    unit: Word = ""


class Blamed(Detail):
    """An author of a commit since the last good run."""

    name: Line
    email: Line = ""
    """As the commit says: shown, and not written to unless it is that of one of the people."""
    person: Word = ""
    """The person in `[people.NAME]` with that address. Empty: none."""
    commits: int = 1


class Concerned(Detail):
    """A person whom a notice concerns, and why."""

    person: Word
    why: Concern


class Told(Detail):
    """One notice within a digest."""

    id: Long
    event: Event
    title: Line
    at: float
    url: Long
