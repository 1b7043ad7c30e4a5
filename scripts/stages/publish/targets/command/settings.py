"""Settings of the target `command`."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from slipway.model.duration import Duration
from slipway.model.kinds.environment import check_words
from slipway.model.kinds.release_target import Target
from slipway.model.secrets.location import SecretName

__all__ = ["CommandTarget"]

_PARTS = frozenset({"{project}", "{version}", "{file}"})


class CommandTarget(Target):
    """A program of your own that brings files anywhere."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.command.target:CommandCopy"

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1, examples=[["/srv/bin/to-the-shop", "--quiet"]])
    """The program and its arguments. It is started for each thing to do, which it gets as one line
    of JSON on its standard input."""
    secrets: tuple[SecretName, ...] = ()
    """The stage's secrets that it gets as environment variables, by name."""
    timeout: Duration = 3600
    """How long it may take for one thing, such as one file."""
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s\x00-\x1f\x7f]+$",
        examples=["https://downloads.example.org/{project}/{version}/{file}"],
    )
    """The address from which anybody may read a file that is public; {project}, {version} and
    {file} stand for their names. None: it is read back by the program."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """Its secrets."""
        return self.secrets

    _words = field_validator("argv")(check_words)

    @field_validator("public_url")
    @classmethod
    def _known_parts(cls, url: str | None) -> str | None:
        wrong = set(re.findall(r"\{[^{}]*\}?|\}", url or "")) - _PARTS
        if wrong:
            known = "{project}, {version} and {file}"
            msg = f"public-url: {min(wrong)} stands for nothing; there are {known}"
            raise ValueError(msg)
        if url and "{file}" not in url:
            msg = "public-url: there is no {file} in it, which stands for the file's name"
            raise ValueError(msg)
        return url
