"""Where releases go: an environment, what brings them there, and how its health is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Part
from slipway.model.duration import Duration

#: No line breaks and no other control characters; what is shown and what is sent in headers.
_PLAIN = r"^[^\x00-\x1f\x7f]*$"


def _check_words(words: tuple[str, ...]) -> tuple[str, ...]:
    if words and (not words[0] or any("\0" in word for word in words)):
        msg = "the program's name is empty, or a word holds a NUL; no system can start that"
        raise ValueError(msg)
    return words


class CommandDeployer(Part):
    """Any program: it is told the release's folder and the gate's parameters."""

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments. It gets SLIPWAY_RELEASE (the folder of the release's
    artefacts), SLIPWAY_PARAM_NAME for each parameter, and all of it as JSON on its input."""
    idempotent: bool = False
    """True: doing it twice does no harm, so a deployment whose worker died is tried again."""
    timeout: Duration = 900
    """How long it may take; then its whole process tree is ended and it has failed."""
    cwd: str | None = None
    """The folder to run it in; relative to the state folder. None: the release's folder."""

    _words = field_validator("argv")(_check_words)


class _Place(Part):
    """A folder of unpacked releases, one of them `current`."""

    path: str = Field(min_length=1, pattern=_PLAIN)
    artefact: str | None = Field(default=None, min_length=1)
    """Which archives of the release to unpack, as a pattern. None: the one archive it has."""
    keep: int = Field(default=5, ge=1, le=1000)
    """How many releases stay there; the current and the previous one always do."""
    restart: tuple[str, ...] = ()
    """The program to run once `current` is switched, with its arguments; it runs in `path`. What
    is to go on running it must start in a session of its own."""
    stop: tuple[str, ...] = ()
    """The program to run before `current` is taken away: where the first deployment of all fails,
    and there is nothing to go back to."""
    timeout: Duration = 300
    """How long `restart` and `stop` may take."""

    _words = field_validator("restart", "stop")(_check_words)


class FolderDeployer(_Place):
    """A folder on the worker's machine: unpacked beside, then the link `current` is switched."""

    kind: Literal["folder"]
    path: str = Field(min_length=1, pattern=_PLAIN)
    """The folder; relative to the state folder. It gets `releases/` and the link `current`."""


class SshDeployer(_Place):
    """The same on another machine, through the system's own ssh. There: Python 3.8 or newer."""

    kind: Literal["ssh"]
    path: str = Field(min_length=1, pattern=_PLAIN)
    """The folder there; relative to the user's home. It gets `releases/` and the link `current`."""
    host: str = Field(
        pattern=r"^[A-Za-z0-9_\[:][A-Za-z0-9_.:%\]-]*$", examples=["app1.example.org"]
    )
    """The machine's name or address, or what the worker's ssh configuration calls it."""
    user: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*$")
    """Whom to log in as. None: as ssh itself decides."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port its ssh server listens on. None: as ssh itself decides."""
    identity: str | None = Field(default=None, min_length=1, pattern=_PLAIN)
    """A file with the private key, on the worker; relative to the state folder. None: as ssh
    itself decides. There is nobody to type a passphrase."""
    known_hosts: str | None = Field(default=None, min_length=1, pattern=_PLAIN)
    """A file with the machine's public key, on the worker; relative to the state folder. None:
    ssh's own. A key that is not in it is never accepted."""
    python: str = Field(default="python3", pattern=r"^[A-Za-z0-9_./+-]+$")
    """The Python there."""


Deployer = Annotated[CommandDeployer | FolderDeployer | SshDeployer, Field(discriminator="kind")]
DEPLOYERS: dict[str, type[Part]] = {
    "command": CommandDeployer,
    "folder": FolderDeployer,
    "ssh": SshDeployer,
}


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
    headers: dict[str, Annotated[str, Field(pattern=_PLAIN)]] = Field(default_factory=dict)
    """Headers to send, such as { host = "app.example.org" }. No secrets: they are shown."""
    patience: Duration = 30
    """How long to go on trying."""
    interval: Duration = 1
    """The pause between two tries; the first ones are shorter."""
    timeout: Duration = 10
    """How long one try may take."""

    _words = field_validator("argv")(_check_words)

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
        """What sentences call it."""
        return self.url or " ".join(self.argv)[:200]


class Environment(Part):
    """Where releases are deployed."""

    url: str | None = Field(default=None, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")
    """Where people find what runs there; a link on its pages."""
    description: str = Field(default="", max_length=200, pattern=_PLAIN)
    """A few words for people."""
    deployer: Deployer
    """What brings a release there: `kind` is command, folder or ssh."""
    health: tuple[HealthCheck, ...] = ()
    """What must hold after a deployment, in this order; else the previous release is put back."""
