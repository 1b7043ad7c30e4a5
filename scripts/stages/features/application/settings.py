"""Settings of the application under test, and the placeholders in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import WrongInput

if TYPE_CHECKING:
    from slipway.scripts.stages.features.application.postgresql_seeds import Copies

__all__ = ["ApplicationSettings", "Placeholders"]

_PLACEHOLDER = re.compile(r"\{(?:(host|port|url|token)|(database|postgresql)(?::([^{}]+))?)\}")
_NAME = re.compile(r"[^=\0]+")


@dataclass(frozen=True)
class ApplicationSettings:
    """The start command of an application, its environment and its conditions of health.

    `command`, `env` and `health` may contain the placeholders {host}, {port}, {url}, {token},
    {database} (the path of the only seed database) and {database:NAME}, and {postgresql} and
    {postgresql:NAME} (a PostgreSQL seed's URL without the scheme and its two slashes: user,
    password, host, port, database); other braces are kept.

    Raises:
        WrongInput: A value is not allowed.
    """

    command: tuple[str, ...]
    """Program and arguments; no shell is involved."""
    log: Path
    """The log file; output is appended to it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to `base_env`."""
    base_env: Mapping[str, str] | None = None
    """The environment, in which placeholders are not replaced. None: this process's own."""
    cwd: Path | None = None
    """Folder to run in. None: this process's own."""
    host: str = "127.0.0.1"
    health: str = "/"
    """The path, or the complete URL, of the health page."""
    health_status: int | None = None
    """The HTTP status of a healthy answer. None: any below 500."""
    patience: float = 60.0
    """Seconds until it must be healthy."""
    grace: float = 3.0
    """Seconds between SIGTERM and SIGKILL."""
    token_path: str | None = None
    """Path that answers exactly the token, such as "/_token". None: it has no such path."""
    port_env: str | None = "PORT"
    token_env: str | None = "SLIPWAY_TOKEN"  # noqa: S105  a variable's name
    seeds: Mapping[str, Path] = field(default_factory=dict)
    """Database files by name; the application gets copies, and scenarios may write to them."""
    postgresql: Copies | None = None
    """The application's own PostgreSQL databases."""
    restores_live: bool = False
    """True: SQLite seeds are restored while it runs; it must not cache their contents."""

    def __post_init__(self) -> None:
        self._check_command()
        self._check_health()
        self._check_environment()
        if not self.patience > 0:
            raise WrongInput(f"application: patience {self.patience} must be more than 0 seconds")
        if not self.grace >= 0:
            raise WrongInput(f"application: grace {self.grace} must be 0 seconds or more")
        for name, path in self.seeds.items():
            if not path.is_file():
                raise WrongInput(
                    f'application: seed "{name}": {path} is no file; name one that the databases '
                    f"stage leaves, such as {name}.sqlite"
                )

    def _check_command(self) -> None:
        words: object = self.command
        if not isinstance(words, tuple) or not words or not words[0]:
            raise WrongInput(
                f"application: command {words!r} must be a list of words, the program first; "
                f"no shell reads it"
            )
        if any("\0" in word for word in self.command):
            raise WrongInput("application: command holds a NUL character; remove it")

    def _check_health(self) -> None:
        if not self.health.startswith(("/", "http://", "https://", "{url}")):
            raise WrongInput(
                f'application: health "{self.health}" must be a path such as "/health", or a URL '
                f"that begins with http:// or https://"
            )
        if self.health_status is not None and not 100 <= self.health_status <= 599:  # noqa: PLR2004
            raise WrongInput(
                f"application: health-status {self.health_status} is no HTTP status; "
                f"allowed are 100 to 599"
            )
        if self.token_path is not None and not self.token_path.startswith("/"):
            raise WrongInput(
                f'application: token-path "{self.token_path}" must begin with "/", such as '
                f'"/_token"'
            )

    def _check_environment(self) -> None:
        names = [*self.env, *(name for name in (self.port_env, self.token_env) if name is not None)]
        for name in names:
            if not _NAME.fullmatch(name):
                raise WrongInput(f"application: {name!r} is no name of an environment variable")
        for name, value in self.env.items():
            if "\0" in value:
                raise WrongInput(f"application: env {name} holds a NUL character; remove it")
        texts = [*self.command, *self.env.values()]
        has_token = self.token_env is not None or any("{token}" in text for text in texts)
        if self.token_path is not None and not has_token:
            raise WrongInput(
                "application: token-path is set, but nothing tells the application its token; "
                "set token-env, or write {token} in command or env"
            )


@dataclass(frozen=True)
class Placeholders:
    """The values of the placeholders for one start."""

    host: str
    port: int
    token: str
    databases: Mapping[str, Path]
    postgresql: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The application's base URL, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def fill(self, text: str) -> str:
        """Replace the placeholders in a text.

        Raises:
            WrongInput: It names a database that is not among the seeds.
        """
        return _PLACEHOLDER.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        if match[1]:
            return str(getattr(self, match[1]))
        seeds: Mapping[str, Path | str] = (
            self.databases if match[2] == "database" else self.postgresql
        )
        name = match[3] or (next(iter(seeds)) if len(seeds) == 1 else "")
        if name in seeds:
            return str(seeds[name])
        known = ", ".join(sorted(seeds)) or "none"
        what = "PostgreSQL database" if match[2] == "postgresql" else "database"
        raise WrongInput(
            f"application: {match[0]} names no seed {what}; the seeds are: {known}; "
            f"write {{{match[2]}:NAME}} with one of them"
        )
