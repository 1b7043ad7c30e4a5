"""Shapes of tests: results of one stage, and statistics over many."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.www.shapes.base import MOST, Asked, Line, Shape, Words
from slipway.www.shapes.runs import StageQuery

__all__ = [
    "Case",
    "Cases",
    "CasesQuery",
    "Failing",
    "Flaky",
    "HistoryQuery",
    "Seen",
    "Slow",
    "StageTest",
    "Status",
    "Tests",
    "TestsQuery",
]

Status = Literal["failed", "error", "quarantined", "flaky", "passed", "skipped"]


class Case(Shape):
    """One test in one attempt."""

    name: str
    cell: str
    status: Status
    message: str
    file: str | None
    line: int | None
    seconds: float


class Cases(Shape):
    """The tests of a stage, failed ones first."""

    items: list[Case]
    counts: dict[str, int]
    attempt: int
    next: int | None = None
    """To be given as `after` for the next part; null: there is none."""


class CasesQuery(StageQuery):
    """Selects a part of an attempt's tests."""

    after: Annotated[int, Field(ge=0, le=MOST)] = 0
    """How many to pass over: the `next` of the part before."""
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    status: Status | None = None
    """Only those that ended so."""


class StageTest(Shape):
    """A test of a stage."""

    project: str
    stage: str
    cell: str
    name: str
    run: int
    """The run that is shown; of a flaky test the newest in which it failed."""


class Failing(StageTest):
    """A test that failed in the newest build of its stage."""

    status: Status
    message: str
    file: str | None
    at: float
    failed: int
    """In how many of the builds that were looked at."""
    of: int


class Flaky(StageTest):
    """A test that failed and passed at one revision, or passed only when retried."""

    failed: int
    of: int


class Slow(StageTest):
    """A slow test in the newest build of its stage."""

    seconds: float


class Tests(Shape):
    """Test statistics over the last builds of each stage."""

    failing: list[Failing]
    flaky: list[Flaky]
    slowest: list[Slow]
    builds: int
    """How many builds of each stage are looked at, at most."""


class TestsQuery(Asked):
    """Filter of the tests."""

    __test__ = False

    project: Line | None = None


class HistoryQuery(Asked):
    """Selects a test."""

    project: Line
    stage: Line
    name: Annotated[Words, Field(min_length=1)]
    cell: Line = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class Seen(Shape):
    """The result of a test in one attempt."""

    run: int
    attempt: int
    branch: str
    revision: str
    status: Status
    message: str
    seconds: float
    at: float | None
