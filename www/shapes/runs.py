"""Shapes of runs and their stages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from slipway.model.records.base import Timed
from slipway.model.records.deployment import Deployment
from slipway.model.records.gate import GateMark
from slipway.model.records.release import ListedRelease
from slipway.model.records.run import RunRecord
from slipway.model.records.stage import AttemptRecord
from slipway.model.states import RunState, ShownState, StageState
from slipway.www.shapes.base import MOST, Asked, Line, Number, Paging, Shape, Words
from slipway.www.shapes.files import Artefact
from slipway.www.shapes.gates import Gate
from slipway.www.shapes.stages import StageMark, StageRules

__all__ = [
    "Attempt",
    "BlockRelease",
    "Build",
    "CellResults",
    "Chip",
    "Deployed",
    "Log",
    "LogQuery",
    "Neighbour",
    "PromoteRelease",
    "Release",
    "ReleasesQuery",
    "RunRow",
    "RunsQuery",
    "StageOfRun",
    "StageQuery",
    "WholeRun",
]


class Chip(StageMark, Timed):
    """A stage of a run in short form."""

    state: ShownState
    flaky: bool
    """It passed, but only when tried again, or some of its tests did."""
    cells: dict[StageState, int]
    """How many of its cells are in each state."""
    attempts: int
    expected: float | None
    """The median of the last times it passed, in seconds."""
    summary: str
    waits: str = ""
    """Of a queued stage: why it has not begun; empty where it is about to."""
    gate: GateMark | None = None


class RunRow(RunRecord, Shape):
    """A run with a chip for each stage."""

    stages: list[Chip]


class RunsQuery(Paging):
    """Filter of a list of runs."""

    project: Line | None = None
    branch: Line | None = None
    state: list[RunState] = Field(default_factory=list)
    person: Line | None = None
    """Who started it, or part of the author."""
    text: Line | None = None
    """In the subject, version, branch or reason; or the revision's beginning."""


class Build(Shape):
    """The build's address in Buildbot's own pages."""

    builder: str
    builder_id: int
    build_id: int
    number: int
    request_id: int


class Attempt(AttemptRecord, Shape):
    """One attempt at a cell of a stage."""

    artefacts: list[Artefact]
    borrowed_run: int | None
    """Of a skipped stage: the number of the run whose artefacts it stands for."""
    buildbot: Build | None


class CellResults(Shape):
    """A cell's attempts, the newest first."""

    cell: str
    attempts: list[Attempt]


class StageOfRun(Chip, StageRules):
    """A stage of a run with all its attempts."""

    results: list[CellResults]
    gate: Gate | None = None


class Deployed(Shape):
    """An environment where a release runs."""

    environment: str
    at: float
    person: str


class Release(ListedRelease, Shape):
    """The release that `publish` made of a run."""

    artefacts: list[Artefact]
    reports: list[Artefact]
    deployed: list[Deployed]
    verify: str


class BlockRelease(Asked):
    """A request to block a release."""

    reason: Words


class PromoteRelease(Asked):
    """A request to move a channel to a release."""

    channel: Line
    reason: Words = ""


class ReleasesQuery(Paging):
    """Filter of a list of releases."""

    project: Line | None = None
    text: Line | None = None


class Neighbour(Shape):
    """The previous or next run on the same branch."""

    number: int
    state: RunState
    revision: str


class WholeRun(RunRecord, Shape):
    """A run with all its details."""

    stages: list[StageOfRun]
    critical_path: list[str]
    releases: list[Release]
    deployments: list[Deployment]
    previous: Neighbour | None
    next: Neighbour | None


class StageQuery(Asked):
    """Selects attempts at cells of a stage; by default the newest of the first cell."""

    cell: Line | None = None
    attempt: Number | None = None


class LogQuery(StageQuery):
    """Selects a part of a log."""

    lines: Number = 200
    first: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """From this line on, counted from 0, and at most so many; without it, the last ones."""


class Log(Shape):
    """A part of a log."""

    text: str
    first: int
    """The number of its first line, from 0."""
    total: int
    complete: bool
