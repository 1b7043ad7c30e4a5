"""Settings of the stage that packs archives."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.kinds.stage import Glob, Stage

__all__ = ["ArchiveStage"]


class ArchiveStage(Stage):
    """Pack what earlier stages left into archives: same input, same bytes."""

    needs_source: ClassVar[bool] = False
    needs_inputs: ClassVar[bool] = True
    runs_programs: ClassVar[bool] = False

    uses: Literal["archive"]
    formats: tuple[Literal["zip", "tar.zst"], ...] | None = None
    """Archive formats. None: zip for what was frozen on Windows, else tar.zst."""
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """The archive's name before version and platform. None: the project's name."""
    pass_on: tuple[Glob, ...] = ("*.dump", "*-roles.sql")
    """Inputs (by name) that are left beside the archive as they are, not packed into it."""
