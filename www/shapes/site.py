"""The site: who asks, its projects, its workers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slipway.www.shapes.base import Asked, Line, Number, Shape, Words


class Me(Shape):
    """Who asks."""

    name: str
    called: str
    anonymous: bool
    roles: list[str]
    may: dict[str, bool]
    title: str
    sign_in: str
    sign_out: str


class LastPoll(Shape):
    """What the last look at a repository found."""

    began_at: float | None
    at: float
    """When it ended."""
    outcome: str
    failed: bool
    runs: list[int]
    """The numbers of the runs it started."""


class Frozen(Shape):
    """Why no gate of a project opens."""

    reason: str
    person: str
    at: float


class FrozenProject(Frozen):
    """A project that is frozen."""

    project: str


class StageOfProject(Shape):
    """A stage as pipeline.toml has it."""

    name: str
    uses: str
    needs: list[str]
    on_failure: list[str]
    if_changed: list[str]
    manual: bool
    allow_failure: bool
    environment: str | None
    level: int
    cells: list[str]
    lane: str
    runs_on: list[str]
    timeout: float
    allowed: list[str]
    approvals: int


class EnvironmentOfProject(Shape):
    """An environment as pipeline.toml has it."""

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
    """What a worker is doing."""

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
    isolation_told: str
    """The same as a sentence."""
    busy: list[Busy]


class Lane(Shape):
    """A class of work: what waits and what runs."""

    lane: str
    queued: int
    running: int
    oldest_at: float | None


class FailedStage(Shape):
    """A stage that failed and was not run again."""

    project: str
    run: Number
    stage: str
    cell: str
    attempt: int
    summary: str
    exit_code: int | None
    worker: str
    finished_at: float | None


class Workers(Shape):
    """Who is busy with what, and what waits."""

    workers: list[Worker]
    lanes: list[Lane]
    failed: list[FailedStage]


class StartRun(Asked):
    """A run to be started."""

    project: Line
    branch: Line | None = None
    """None: the first of the project's branches that is no pattern."""
    revision: Line | None = None
    """A commit or tag; none: the branch's head."""
    reason: Line = ""


class Poll(Asked):
    """Whose repositories to look at."""

    projects: list[Line] = Field(default_factory=list)
    """None: all."""


class Polled(Shape):
    """Whose repositories are looked at now."""

    projects: list[str]
    at: float
    """By the master's clock: a poll that began later has seen what was there when it was asked."""


class WithReason(Asked):
    """Why."""

    reason: Line = ""


class WithComment(Asked):
    """Why."""

    comment: Line = ""


class FreezeProject(Asked):
    """Why a project is frozen."""

    reason: Words


class RerunStage(WithReason):
    """What of a stage to run again."""

    cell: Line = ""
    from_here: bool = False


class CancelStage(WithReason):
    """What of a stage to cancel."""

    cell: Line = ""


class RunName(Shape):
    """A run."""

    project: str
    number: int


class ProjectName(Shape):
    """A project."""

    project: str


class WorkerState(Shape):
    """Whether a worker is paused."""

    name: str
    paused: bool
