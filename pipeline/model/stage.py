"""What a stage is: the keys all kinds share, and each kind's own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Name, Part
from slipway.model.duration import Duration
from slipway.model.features import FeatureKeys
from slipway.model.gate import GateKeys
from slipway.model.scheduling_keys import FlowKeys

Glob = Annotated[str, Field(min_length=1)]


class Stage(GateKeys, FlowKeys):
    """The keys every stage has, whatever it does."""

    needs_source: ClassVar[bool] = True
    can_shard: ClassVar[bool] = False
    runs_programs: ClassVar[bool] = True
    """Whether it starts a program of the project's that could use a secret."""
    uses: str

    @model_validator(mode="after")
    def _can_be_cut(self) -> Self:
        if self.shards > 1 and not self.can_shard:
            msg = f'shards: "{self.uses}" cannot be cut; tests, features and command can'
            raise ValueError(msg)
        if self.manual and (self.matrix or self.shards > 1):
            msg = "manual: a gate asks one question; take matrix and shards out"
            raise ValueError(msg)
        if self.secrets and not self.runs_programs:
            msg = f'secrets: "{self.uses}" starts no program of yours that could use one'
            raise ValueError(msg)
        return self


class ApplicationStage(Stage):
    """A stage that works inside the application's own Python environment."""

    python: str | None = None
    """The Python to use, as uv names it ("3.12", a path). None: the one Slipway runs on."""
    extras: tuple[str, ...] = ()
    """Extras of the application to install."""
    groups: tuple[str, ...] | None = None
    """Dependency groups to install. None: uv's default groups for tests, none for the others."""
    requirements: tuple[str, ...] = ()
    """Requirements files, for applications that have no pyproject.toml with dependencies."""


class Suite(Part):
    """One test suite."""

    runner: Literal["pytest", "nose2", "unittest"]
    """What runs it."""
    arguments: tuple[str, ...] = ()
    """Arguments for the runner, such as a folder."""
    name: Name | None = None
    """What reports call it. None: the runner's name."""


class TestsStage(ApplicationStage):
    """Run the application's tests with nose2, pytest or unittest."""

    __test__: ClassVar[bool] = False  # pytest would collect the class by its name
    can_shard: ClassVar[bool] = True

    uses: Literal["tests"]
    suites: tuple[Suite, ...] = ()
    """The suites to run. None given: found by looking."""


class FreezeStage(ApplicationStage):
    """Freeze the application into an executable with cx_Freeze, and start it to see."""

    uses: Literal["freeze"]
    script: str
    """The script to freeze, relative to the project."""
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """The executable's name. None: the project's name."""
    gui: bool = False
    """True: a windowed program (no console window on Windows). It is started without a display: Qt
    draws into memory, and others get Xvfb where the worker has it."""
    icon: str | None = None
    """An icon file for the executable (Windows)."""
    packages: tuple[str, ...] = ()
    """Packages to take whole, with their data files."""
    includes: tuple[str, ...] = ()
    """Modules to take besides those found."""
    excludes: tuple[str, ...] = ()
    """Modules to leave out."""
    include_files: tuple[str, ...] = ()
    """Files and folders to copy beside the executable: "path" or "path:target"."""
    dialects: tuple[str, ...] | None = None
    """SQLAlchemy dialects to take, such as "sqlite". None: those whose driver is installed."""
    smoke: tuple[str, ...] | None = ("--version",)
    """Arguments to start the frozen program with, in an empty environment; it must exit 0."""
    smoke_timeout: Duration = 60
    """How long that start may take."""


class DatabasesStage(ApplicationStage):
    """Build seed databases from the application's own models and fixtures."""

    uses: Literal["databases"]
    metadata: str | None = Field(
        default=None, pattern=r"^[\w.]+:[\w.]+$", examples=["app.models:Base.metadata"]
    )
    """The SQLAlchemy MetaData, as "module:attribute"."""
    alembic: str | None = None
    """An alembic.ini: tables come from `upgrade head` and not from the metadata."""
    fixtures: tuple[Glob, ...] | Glob = ()
    """Fixture files (.csv, .jsonl, .yaml, .sql); a file's stem is its table's name."""
    targets: tuple[Literal["sqlite", "postgresql"], ...] = ("sqlite", "postgresql")
    """The databases to build."""
    name: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """The databases' name. None: the project's name."""
    read_only_role: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """The PostgreSQL role that may only read. None: the name with "_ro"."""
    server_env: str | None = None
    """Name of the environment variable on the worker that holds the URL of a PostgreSQL server to
    build on. None: a throw-away server is started."""

    @field_validator("fixtures")
    @classmethod
    def _as_tuple(cls, value: tuple[str, ...] | str) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else value


class FeaturesStage(ApplicationStage, FeatureKeys):
    """Walk the application's behave features: over plain HTTP, and in a browser where tagged."""

    can_shard: ClassVar[bool] = True

    uses: Literal["features"]
    machine_retries: int = Field(default=0, ge=0, le=10, alias="machine-retries")
    """How often the stage is tried again by itself when a machine was to blame (exit code 3);
    `retries` is about scenarios."""
    profile: str | None = None
    """A profile of [tool.slipway.features.profiles] in the project's pyproject.toml."""
    arguments: tuple[str, ...] = ()
    """More arguments for behave."""


class ArchiveStage(Stage):
    """Pack what earlier stages left into archives: same input, same bytes."""

    needs_source: ClassVar[bool] = False
    runs_programs: ClassVar[bool] = False

    uses: Literal["archive"]
    formats: tuple[Literal["zip", "tar.zst"], ...] | None = None
    """Archive formats. None: zip for what was frozen on Windows, else tar.zst."""
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """The archive's name before version and platform. None: the project's name."""
    pass_on: tuple[Glob, ...] = ("*.dump", "*-roles.sql")
    """Inputs (by name) that are left beside the archive as they are, not packed into it."""


class PublishStage(Stage):
    """Make a release of what the needed stages left: wholly there, or not at all."""

    needs_source: ClassVar[bool] = False
    runs_programs: ClassVar[bool] = False

    uses: Literal["publish"]
    folder: str = "releases"
    """The folder to publish to, on the worker's machine; relative to the state folder."""


class CommandStage(ApplicationStage):
    """Run any program: an argument list, never a shell line."""

    can_shard: ClassVar[bool] = True

    uses: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments."""

    @field_validator("argv")
    @classmethod
    def _no_nul(cls, argv: tuple[str, ...]) -> tuple[str, ...]:
        if not argv[0] or any("\0" in word for word in argv):
            msg = "the program's name is empty, or a word holds a NUL; no system can start that"
            raise ValueError(msg)
        return argv

    artefacts: tuple[Glob, ...] = ()
    """Files it leaves for later stages, relative to the project; each pattern must match."""
    environment: bool = False
    """True: run it inside the application's own Python environment."""


class DeployStage(Stage):
    """Bring the run's release to an environment, see that it is healthy, else put the last back."""

    needs_source: ClassVar[bool] = False

    uses: Literal["deploy"]
    environment: Name
    """Which of the project's environments."""


AnyStage = Annotated[
    TestsStage
    | FreezeStage
    | DatabasesStage
    | FeaturesStage
    | ArchiveStage
    | PublishStage
    | CommandStage
    | DeployStage,
    Field(discriminator="uses"),
]

KINDS: dict[str, type[Stage]] = {
    "tests": TestsStage,
    "freeze": FreezeStage,
    "databases": DatabasesStage,
    "features": FeaturesStage,
    "archive": ArchiveStage,
    "publish": PublishStage,
    "command": CommandStage,
    "deploy": DeployStage,
}
