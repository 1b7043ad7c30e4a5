"""Settings of the stage that freezes the application."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slipway.model.duration import Duration
from slipway.model.kinds.stage import ApplicationStage

__all__ = ["FreezeStage"]


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
    """Maximum duration of that start."""
