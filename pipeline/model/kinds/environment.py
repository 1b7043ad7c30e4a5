"""Environments: deployers, health checks, URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Part
from slipway.model.duration import Duration
from slipway.model.kinds.registry import Kind, Kinds

__all__ = ["DEPLOYERS", "PLAIN", "Deployer", "Environment", "HealthCheck", "check_words"]

#: Text without line breaks and other control characters, for display and HTTP headers.
PLAIN = r"^[^\x00-\x1f\x7f]*$"


def check_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Validate an argument list.

    Raises:
        ValueError: The program's name is empty, or an argument contains a NUL.
    """
    if words and (not words[0] or any("\0" in word for word in words)):
        msg = "the program's name is empty, or a word holds a NUL; no system can start that"
        raise ValueError(msg)
    return words


class Deployer(Kind):
    """What brings a release to an environment, and what a kind of deployers says of itself."""

    needs_previous: ClassVar[bool] = True
    """True if the previous release must be fetched, to restore it after a failure."""
    has_own_tenant: ClassVar[bool] = False
    """True if each environment is its own tenant on a worker that isolates projects."""
    kind: str

    @property
    def may_repeat(self) -> bool:
        """True if a deployment whose worker died may be retried automatically."""
        return False

    def written_folders(self) -> dict[str, str]:
        """Return the folders on the worker that it writes, by key.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}

    def key_files(self) -> tuple[str, ...]:
        """Return the files on the worker with credentials for its access.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return ()


#: The kinds of deployers. A kind's `runner` names a subclass of
#: `slipway.scripts.stages.deploy.way.Way`.
DEPLOYERS: Kinds[Deployer] = Kinds("slipway.deployers", lambda: Deployer, "kind")

if TYPE_CHECKING:
    AnyDeployer = Deployer
else:
    AnyDeployer = Annotated[Deployer, DEPLOYERS]


class HealthCheck(Part):
    """One question that a healthy environment answers: a page, or a program."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")
    """The page to ask for, from the worker. Redirects are not followed."""
    argv: tuple[str, ...] = ()
    """The program to run on the worker; 0 is healthy. It gets the deployer's variables."""
    status: int = Field(default=200, ge=100, le=599)
    """The status the page must answer with."""
    contains: str | None = Field(default=None, min_length=1)
    """A text the page must hold, in its first megabyte."""
    headers: dict[str, Annotated[str, Field(pattern=PLAIN)]] = Field(default_factory=dict)
    """Headers to send, such as { host = "app.example.org" }. No secrets: they are shown."""
    patience: Duration = 30
    """Maximum duration of all tries."""
    interval: Duration = 1
    """The pause between two tries; the first ones are shorter."""
    timeout: Duration = 10
    """Maximum duration of one try."""

    _words = field_validator("argv")(check_words)

    @field_validator("headers")
    @classmethod
    def _names(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
                msg = f'"{name}" is no name of a header: letters, digits, - and _'
                raise ValueError(msg)
        return headers

    @model_validator(mode="after")
    def _one_of_both(self) -> HealthCheck:
        if (self.url is None) == (not self.argv):
            msg = 'write either url = "http://..." or argv = ["program", ...]'
            raise ValueError(msg)
        fields = type(self).model_fields
        given = [
            name for name in ("status", "contains") if getattr(self, name) != fields[name].default
        ]
        given += ["headers"] if self.headers else []
        if self.argv and given:
            msg = f"{given[0]} is for a page; beside argv the exit code alone decides"
            raise ValueError(msg)
        return self

    @property
    def name(self) -> str:
        """Its name in sentences: the URL, or the command."""
        return self.url or " ".join(self.argv)[:200]


class Environment(Part):
    """Where releases are deployed."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")
    """URL of the deployed application; a link on its pages."""
    description: str = Field(default="", max_length=200, pattern=PLAIN)
    """A few words for people."""
    deployer: AnyDeployer
    """The deployer; `kind` selects it."""
    health: tuple[HealthCheck, ...] = ()
    """Checks after a deployment, in this order; if one fails, the previous release is put back."""
