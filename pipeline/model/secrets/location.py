"""Locations of secrets."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from slipway.model.base import Part
from slipway.model.git_names import check_branch, matches

__all__ = ["PLACES", "SecretName", "SecretPlace", "StageSecret"]

#: The allowed forms, for error sentences.
PLACES = '{ env = "NAME" }, { file = "path" } or { command = ["program", "argument"] }'

#: Name of the environment variable that passes a secret to a stage's program.
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class SecretPlace(Part):
    """Location of a secret; never the secret itself."""

    env: str | None = None
    """Name of the master's environment variable that holds it."""
    file: str | None = None
    """Path of a file whose first line it is, readable by its owner alone."""
    command: tuple[str, ...] | None = Field(
        default=None, min_length=1, examples=[["pass", "show", "almanac/token"]]
    )
    """A program and its arguments, run where `pipeline.toml` lies: what it prints on its standard
    output is the secret. It has 30 seconds; no shell reads it."""

    @field_validator("command")
    @classmethod
    def _can_be_started(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if command is not None and (not command[0] or any("\0" in word for word in command)):
            msg = "the program's name is empty, or a word holds a NUL; no system can start that"
            raise ValueError(msg)
        return command

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(one is not None for one in (self.env, self.file, self.command)) != 1:
            msg = f"write one place: {PLACES}"
            raise ValueError(msg)
        return self

    @property
    def description(self) -> str:
        """The location for people; for a command only its program."""
        if self.env is not None:
            return f"the environment variable {self.env}"
        if self.file is not None:
            return f"the file {self.file}"
        return f"the command {self.command[0] if self.command else ''}"


class StageSecret(SecretPlace):
    """Location of a stage's secret, and the branches whose runs get it; a file is read whole."""

    branches: tuple[Annotated[str, AfterValidator(check_branch)], ...] = ()
    """The branches whose runs get it: names, and patterns in which a star stands for anything
    ("release/*"). None: every run, of whatever branch people may push to."""

    def is_for(self, branch: str) -> bool:
        """Return whether runs of a branch get the secret."""
        return not self.branches or any(matches(one, branch) for one in self.branches)
