"""Describe a features run: its settings, environment, seeds and arguments."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import WrongInput
from slipway.model.kinds.features import FeatureKeys
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.stages.features.feature_files import count_files, named_paths

if TYPE_CHECKING:
    from slipway.scripts.stages.features.application.postgresql_seeds import Dump

__all__ = ["Order"]

_FROZEN = "{frozen}"
#: Texts that sessions read as true.
_YES = ("true", "yes", "on", "1")


@dataclass(frozen=True)
class Order:
    """The request for a features run."""

    source: Path
    keys: FeatureKeys
    environment: Environment
    cache: Path
    output: Path
    arguments: tuple[str, ...] = ()
    """behave's own arguments."""
    shard: tuple[int, int] = (1, 1)
    seeds: Mapping[str, Path] = field(default_factory=dict)
    """Seed databases by name; each application gets copies."""
    dumps: Mapping[str, Dump] = field(default_factory=dict)
    """PostgreSQL dumps by name; restored if the application uses one."""
    frozen: Path | None = None
    """The unpacked program of a freeze stage."""
    profile: str | None = None
    """The profile that `keys` were resolved with."""
    typed: frozenset[str] = frozenset()
    """The names of typed keys, which override even environment variables."""
    title: str = "Features"
    revision: str = ""
    version: str = ""

    @property
    def jobs(self) -> int:
        """Number of processes; at most the number of feature files.

        One, unless each has an application of its own or somebody asks for more: suites that share
        files, a database or a server are not written for being run side by side.
        """
        wanted = self.keys.jobs or ((os.cpu_count() or 2) if self.keys.command else 1)
        return max(1, count_files(self.source, self.words, most=wanted))

    @property
    def needs_postgresql(self) -> bool:
        """True: the application's settings refer to a PostgreSQL seed."""
        texts = (*(self.keys.command or ()), *self.keys.application_env.values())
        return bool(self.dumps) and any("{postgresql" in text for text in texts)

    @property
    def history(self) -> Path:
        """The file with the durations of features in earlier runs."""
        name = "-".join(self.source.parts[-3:]).strip("-/\\").replace(os.sep, "-")
        return self.cache / "features" / f"history-{name}.json"

    @property
    def words(self) -> list[str]:
        """Arguments for behave: the typed ones, then those of the settings."""
        paths = () if named_paths(self.source, self.arguments) else self.keys.paths or ()
        return [*self.arguments, *paths, *(f"--tags={one}" for one in self.keys.tags or ())]

    @property
    def base_url(self) -> tuple[str, str] | None:
        """The setting's name and the base URL of an application that already runs, or None."""
        if self.keys.base_url is None:
            return None
        value = self._from_environment("base_url")
        return ("$SLIPWAY_BASE_URL", value) if value else ("base-url", self.keys.base_url)

    @property
    def trusts_any_certificate(self) -> bool:
        """True: certificates that are not trusted are accepted."""
        value = self._from_environment("trust_any_certificate")
        return value.lower() in _YES if value else bool(self.keys.trust_any_certificate)

    @property
    def userdata(self) -> dict[str, str]:
        """The values for behave's -D, as sessions read them.

        Sessions prefer -D to environment variables, so a key that a file and the environment both
        set is left to the environment.

        Raises:
            WrongInput: `desktop` refers to a frozen program, and there is none.
        """
        keys = self.keys
        seeds = {name: str(path.resolve()) for name, path in self.seeds.items()}
        values = {
            "profile": self.profile,
            "desktop": None if self._from_environment("desktop") else self._desktop(),
            "desktop_env": json.dumps(keys.desktop_env) if keys.desktop_env else None,
            "desktop_seeds": json.dumps(seeds) if seeds else None,
            "browser": keys.browser,
            "headless": _flag(keys.headless),
            "window_size": keys.window_size,
            "grid_url": keys.grid_url,
            "without_browser": keys.without_browser,
            "trust_any_certificate": _flag(keys.trust_any_certificate),
        }
        held = {
            name: value
            for name, value in values.items()
            if value and (name == "profile" or not self._from_environment(name))
        }
        return {**held, **keys.define}

    def _from_environment(self, name: str) -> str | None:
        """Return the value of $SLIPWAY_NAME; None if unset, or if a typed option overrides it."""
        if name in self.typed:
            return None
        return self.environment.variables().get(f"SLIPWAY_{name.upper()}") or None

    def _desktop(self) -> str | None:
        """Return the desktop program's command as JSON, for sessions.

        Raises:
            WrongInput: It refers to a frozen program, and there is none.
        """
        words = self.keys.desktop
        if words is None:
            return None
        if any(_FROZEN in word for word in words):
            if self.frozen is None:
                raise WrongInput(
                    f'desktop: "{words[0]}" names {_FROZEN}, and nothing frozen is here; let the '
                    "stage need one that uses freeze, or name the program's file"
                )
            words = tuple(word.replace(_FROZEN, str(self.frozen)) for word in words)
        return json.dumps(words)


def _flag(value: bool | None) -> str | None:  # noqa: FBT001  a setting's value
    return None if value is None else str(value).lower()
