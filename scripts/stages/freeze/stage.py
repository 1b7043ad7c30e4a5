"""Settings of the stage that freezes the application."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_validator,
)

from slipway.model.base import Part
from slipway.model.duration import Duration
from slipway.model.kinds.stage import ApplicationStage

__all__ = ["FreezeStage", "SmokeRun"]

_PROGRAM = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class SmokeRun(Part):
    """One start of the frozen program, in a clean room."""

    arguments: tuple[str, ...] = ()
    """Its arguments."""
    program: str | None = None
    """Which of the executables. None: the first one."""
    expect: str | None = None
    """A text that it must print."""
    exit_code: int = 0
    """The exit code it must end with."""


def _as_entries(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _as_runs(given: Any) -> Any:
    """Return the runs that `smoke` means: none for false, one for a list of arguments."""
    if given is False:
        return []
    texts = [isinstance(one, str) for one in given] if isinstance(given, (list, tuple)) else None
    if texts is None or (any(texts) and not all(texts)):
        msg = (
            'write arguments, such as ["--version"], runs, such as '
            '[{ arguments = ["list"], expect = "3 people" }], or false'
        )
        raise ValueError(msg)
    return [{"arguments": given}] if all(texts) else given


_Entries = Annotated[
    tuple[str, ...], BeforeValidator(_as_entries, json_schema_input_type=str | tuple[str, ...])
]
_Runs = Annotated[
    tuple[SmokeRun, ...],
    BeforeValidator(
        _as_runs,
        json_schema_input_type=tuple[str, ...] | tuple[SmokeRun, ...] | Literal[False],
    ),
]


class FreezeStage(ApplicationStage):
    """Freeze the application into an executable with cx_Freeze, and start it to see."""

    uses: Literal["freeze"]
    script: str | None = None
    """The script to freeze, relative to the project. One inside a package is run as `python -m`
    does. None: see `entry`."""
    entry: _Entries | None = None
    """What to freeze instead of a script: "package.module:function", the name of one of the
    project's own [project.scripts] or [project.gui-scripts], a package with a `__main__`, or a list
    of those: several executables that share their libraries. None, and no script: all of the
    project's own."""
    name: str | None = Field(default=None, pattern=_PROGRAM)
    """The executable's name; of several, the folder's. None: the script's own, or the project's."""
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
    metadata: tuple[str, ...] = ()
    """Distributions whose metadata to take, for `importlib.metadata`."""
    dialects: tuple[str, ...] | None = None
    """SQLAlchemy dialects to take, such as "sqlite". None: those whose driver is installed."""
    learn: bool = True
    """True: the program and its tests are run once, unfrozen, and what they import, open and look
    up is taken, too; what a frozen program then lacks is added, at most three times."""
    incremental: bool = True
    """True: where nothing has changed, what the last freeze left is left again; where only the
    project's own code has, only that is frozen again. The result is the same. False: always all."""
    windows: Literal["7", "8.1", "10", "11"] = "10"
    """The oldest Windows that the program has to run on; libraries that it lacks are found."""
    smoke: _Runs | None = None
    """Arguments to start the frozen program with, in a clean room; it must end with exit code 0.
    Or a list of such runs: { arguments, program, expect, exit-code }. None: each program is started
    with --help and with --version and must end as it does unfrozen; a windowed one must start.
    False: it is not started."""
    clean_room: bool | Literal["required"] = True
    """True: on Linux it is started in a root file system with what each Linux has and nothing else,
    where bubblewrap can make one; elsewhere in an empty environment. "required": it fails where
    that is impossible. False: always in an empty environment."""
    smoke_timeout: Duration = 60
    """Maximum duration of such a start."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.script is not None and self.entry is not None:
            msg = "script: take it out where there is an entry, or the other way round"
            raise ValueError(msg)
        if self.entry == ():
            msg = "entry: name at least one; without the key all of the project's own are taken"
            raise ValueError(msg)
        return self

    @field_serializer("smoke", mode="wrap")
    def _dump_smoke(self, value: Any, handler: SerializerFunctionWrapHandler) -> Any:
        # An empty list would be read as a start without arguments.
        return False if value == () else handler(value)
