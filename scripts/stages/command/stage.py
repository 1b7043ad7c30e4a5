"""Settings of the stage that runs any program."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from slipway.model.kinds.stage import ApplicationStage, Glob

__all__ = ["CommandStage"]


class CommandStage(ApplicationStage):
    """Run any program: an argument list, never a shell line."""

    can_shard: ClassVar[bool] = True
    takes_default_groups: ClassVar[bool] = True

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
