"""Keys of a stage for its dependencies, placement, matrix, retries and timeout."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Name, Part
from slipway.model.duration import Duration
from slipway.model.secrets.location import SecretName, StageSecret

__all__ = ["FlowKeys", "Lane", "MatrixValue", "Pattern"]

Lane = Literal["interactive", "default", "bulk"]
#: A value of a matrix: a number, a text, or a list of texts (for keys that are lists).
MatrixValue = str | int | float | bool | tuple[str, ...]
Pattern = Annotated[str, Field(min_length=1)]


class FlowKeys(Part):
    """When a stage starts, where it runs, in how many cells, and what its failure means."""

    needs: tuple[Name, ...] = ()
    """Stages of this project that must have passed in the same run before this one starts."""
    on_failure: tuple[Name, ...] = ()
    """Stages of this project: this one starts when one of them has failed, and only then."""
    if_changed: tuple[Pattern, ...] = ()
    """Paths ("docs/**", "*.lock"): in a polled run the stage is skipped, and counts as passed, when
    nothing that matches has changed since it last passed on the branch."""
    allow_failure: bool = False
    """True: a failure is displayed, but neither blocks dependent stages nor fails the run."""
    matrix: dict[Name, Annotated[tuple[MatrixValue, ...], Field(min_length=1)]] = Field(
        default_factory=dict, examples=[{"python": ["3.11", "3.12"]}]
    )
    """Values by name: the stage runs once for each combination, side by side. A name that is a key
    of the stage sets that key; every name is an environment variable, SLIPWAY_MATRIX_NAME."""
    shards: int = Field(default=1, ge=1, le=64)
    """Into how many parts the stage is cut (tests, features, command); each is told its own as
    SLIPWAY_SHARD of SLIPWAY_SHARDS."""
    machine_retries: int = Field(default=0, ge=0, le=10, alias="retries")
    """Number of automatic retries after a failure of the machine (exit code 3);
    never when what it tests is."""
    runs_on: tuple[Name, ...] = ()
    """Labels a worker must carry, all of them. None: any worker."""
    lane: Lane = "default"
    """The class of work: interactive goes first, bulk goes last."""
    timeout: Duration = 3600
    """Maximum duration of the stage, in seconds or as "15m"; then its process tree is ended."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables for what the stage runs. No secrets: they are shown."""
    secrets: dict[SecretName, StageSecret] = Field(
        default_factory=dict, examples=[{"TOKEN": {"env": "ALMANAC_TOKEN"}}]
    )
    """Secrets for what the stage runs, each by the name of the environment variable it gets it in.
    The master reads them when the stage starts, and they are masked in all that is shown."""

    @field_validator("env")
    @classmethod
    def _names_and_values(cls, env: dict[str, str]) -> dict[str, str]:
        for name, value in env.items():
            if not name or "=" in name or "\0" in name + value:
                msg = f'"{name}" cannot be an environment variable: no "=" in the name, no NUL'
                raise ValueError(msg)
        return env

    @field_validator("secrets")
    @classmethod
    def _free_names(cls, secrets: dict[str, StageSecret]) -> dict[str, StageSecret]:
        for name in secrets:
            if name.upper().startswith("SLIPWAY_"):
                msg = f"{name}: names that begin with SLIPWAY_ are Slipway's own; take another"
                raise ValueError(msg)
        if len({name.upper() for name in secrets}) != len(secrets):
            msg = "two names differ in upper and lower case alone, which Windows takes for the same"
            raise ValueError(msg)
        return secrets

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        both = sorted(set(self.env) & set(self.secrets))
        if both:
            msg = f"{', '.join(both)}: is in env and in secrets; a program gets one of them"
            raise ValueError(msg)
        return self

    @field_validator("needs", "runs_on", "on_failure")
    @classmethod
    def _once_each(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"names {', '.join(twice)} more than once"
            raise ValueError(msg)
        return names
