"""Shapes of the site: the current user, its projects, its workers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slipway.model.records.gate import Frozen
from slipway.model.records.poll import LastPoll
from slipway.model.records.stage import AttemptResult
from slipway.www.shapes.base import Asked, Line, Number, Shape, Words
from slipway.www.shapes.stages import StageMark, StageRules

__all__ = [
    "Busy",
    "CancelStage",
    "EnvironmentOfProject",
    "FailedStage",
    "FreezeProject",
    "FrozenProject",
    "Lane",
    "Me",
    "Poll",
    "Polled",
    "Project",
    "ProjectName",
    "RerunStage",
    "RunName",
    "StageOfProject",
    "StartRun",
    "WithComment",
    "WithReason",
    "Worker",
    "WorkerState",
    "Workers",
]


class Me(Shape):
    """The current user."""

    name: str
    called: str
    anonymous: bool
    roles: list[str]
    may: dict[str, bool]
    title: str
    sign_in: str
    sign_out: str


class FrozenProject(Frozen, Shape):
    """A frozen project."""

    project: str


class StageOfProject(StageMark, StageRules):
    """A stage as configured in pipeline.toml."""

    if_changed: list[str]
    cells: list[str]
    lane: str
    runs_on: list[str]
    timeout: float


class EnvironmentOfProject(Shape):
    """An environment as configured in pipeline.toml."""

    name: str
    url: str | None
    description: str


class Project(Shape):
    """A project."""

    name: str
    repository: str
    branches: list[str]
    poll: str
    fail_fast: bool
    supersede: bool
    last_poll: LastPoll | None
    frozen: Frozen | None
    stages: list[StageOfProject]
    environments: list[EnvironmentOfProject]


class Busy(Shape):
    """The present work of a worker."""

    project: str
    run: Number
    stage: str
    cell: str
    since: float
    expected: float | None
    builder_id: int | None
    number: int | None


class Worker(Shape):
    """A worker."""

    name: str
    labels: list[str]
    lanes: list[str]
    max_builds: int
    connected: bool
    paused: bool
    isolation: Literal["", "user", "namespaces", "none"]
    """How its stages are kept from what is the master's; empty: it runs on another machine."""
    isolation_reason: str
    """The same as a sentence."""
    busy: list[Busy]


class Lane(Shape):
    """A lane: its queued and running stages."""

    lane: str
    queued: int
    running: int
    oldest_at: float | None


class FailedStage(AttemptResult, Shape):
    """A failed stage that was not run again."""

    project: str
    run: Number
    stage: str
    cell: str


class Workers(Shape):
    """Workers with their present work, and queued stages."""

    workers: list[Worker]
    lanes: list[Lane]
    failed: list[FailedStage]


class StartRun(Asked):
    """A request to start a run."""

    project: Line
    branch: Line | None = None
    """None: the first of the project's branches that is no pattern."""
    revision: Line | None = None
    """A commit or tag; none: the branch's head."""
    reason: Line = ""


class Poll(Asked):
    """A request to poll repositories."""

    projects: list[Line] = Field(default_factory=list)
    """None: all."""


class Polled(Shape):
    """The projects that are being polled."""

    projects: list[str]
    at: float
    """By the master's clock: a poll that began later has seen what was there when it was asked."""


class WithReason(Asked):
    """A reason."""

    reason: Line = ""


class WithComment(Asked):
    """A comment."""

    comment: Line = ""


class FreezeProject(Asked):
    """A request to freeze a project."""

    reason: Words


class RerunStage(WithReason):
    """A request to retry a stage."""

    cell: Line = ""
    from_here: bool = False


class CancelStage(WithReason):
    """A request to cancel a stage."""

    cell: Line = ""


class RunName(Shape):
    """Identifies a run."""

    project: str
    number: int


class ProjectName(Shape):
    """Identifies a project."""

    project: str


class WorkerState(Shape):
    """Whether a worker is paused."""

    name: str
    paused: bool
