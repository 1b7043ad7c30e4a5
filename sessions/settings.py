"""Read a project's settings of sessions: -D of behave, environment variables, pyproject.toml."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Settings", "WrongSetting", "read_settings"]

_PLACE = "tool.slipway.features"
_URL = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_FLAGS = {"true": True, "yes": True, "on": True, "1": True}
_FLAGS |= {"false": False, "no": False, "off": False, "0": False}
_NAMES = (
    "base_url",
    "browser",
    "headless",
    "window_size",
    "grid_url",
    "without_browser",
    "trust_any_certificate",
    "desktop",
    "desktop_env",
    "desktop_seeds",
)


class WrongSetting(ValueError):
    """A setting is missing or not allowed; the sentence says where, and what to write."""


@dataclass(frozen=True)
class Settings:
    """The settings of an application's sessions."""

    base_url: str | None = None
    browser: str | None = None
    """The browser for @javascript; None: chromium."""
    headless: bool = True
    window_size: tuple[int, int] = (1280, 900)
    """Width and height in pixels."""
    grid_url: str | None = None
    """The URL of a Selenium Grid; if it is set, @javascript runs there."""
    without_browser: str = "fail"
    """The result of @javascript scenarios if there is no browser: fail or skip."""
    trust_any_certificate: bool = False
    """True accepts untrusted certificates of the application."""
    desktop: tuple[str, ...] | None = None
    """The command of the desktop program for @desktop."""
    desktop_env: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Additional environment variables for it."""
    desktop_seeds: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Seed databases by name; each desktop program gets its own copies."""

    def target(self) -> str:
        """Return the base URL.

        Raises:
            WrongSetting: The base URL is not set.
        """
        if self.base_url is None:
            msg = (
                "nothing says where the application runs: give -D base_url=http://..., set "
                f"SLIPWAY_BASE_URL, or write base-url under [{_PLACE}] in pyproject.toml"
            )
            raise WrongSetting(msg)
        return self.base_url


def read_settings(
    userdata: MutableMapping[str, Any] | Mapping[str, Any],
    environ: Mapping[str, str],
    folder: Path,
) -> Settings:
    """Return the settings; the first source that has a value wins.

    Args:
        userdata: The settings of behave's -D. A mutable mapping is updated with the table
            `define` of pyproject.toml.
        environ: The environment, with SLIPWAY_BASE_URL and so on.
        folder: The folder of the run; the nearest pyproject.toml in it or above it is the last
            source, with its profile first (-D profile=NAME or SLIPWAY_PROFILE).

    Raises:
        WrongSetting: A value is invalid; the sentence names its place.
    """
    places = [
        {name: (f"-D {name}", userdata[name]) for name in _NAMES if name in userdata},
        {
            name: (f"${_variable(name)}", environ[_variable(name)])
            for name in _NAMES
            if environ.get(_variable(name))
        },
    ]
    profile = userdata.get("profile") or environ.get("SLIPWAY_PROFILE") or None
    file = _nearest(folder)
    tables = _tables(file, profile) if file else _no_profile(profile)
    for place, table in tables:
        # `slipway features` accepts base_url for base-url, too.
        keys = {k: k.replace("-", "_") for k in table if k.replace("-", "_") in _NAMES}
        places.append({name: (f"{place}.{key}", table[key]) for key, name in keys.items()})
        if isinstance(userdata, MutableMapping):
            for name, value in _table(table, "define", place).items():
                userdata.setdefault(name, value)
    values: dict[str, Any] = {}
    for source in reversed(places):
        values |= source
    return Settings(
        **{name: _CHECKS[name](place, value) for name, (place, value) in values.items()}
    )


def _variable(name: str) -> str:
    return f"SLIPWAY_{name.upper()}"


def _nearest(folder: Path) -> Path | None:
    here = folder.resolve()
    files = (parent / "pyproject.toml" for parent in (here, *here.parents))
    return next((file for file in files if file.is_file()), None)


def _tables(file: Path, profile: str | None) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the tables of pyproject.toml with their names, the nearest first."""
    try:
        table: Any = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read: {error}"
        raise WrongSetting(msg) from None
    place = str(file) + ":"
    for part in _PLACE.split("."):
        table = _table(table, part, place)
    place = f"{file}: {_PLACE}"
    found = [(place, table)]
    if profile:
        profiles = _table(table, "profiles", place)
        if profile not in profiles:
            _no_profile(profile, profiles)
        inner = _table(profiles, profile, f"{place}.profiles")
        found.insert(0, (f"{place}.profiles.{profile}", inner))
    return found


def _no_profile(profile: str | None, known: Mapping[str, Any] | None = None) -> list[Any]:
    """Raise for an unknown profile; without a requested profile, return no tables."""
    if profile:
        names = ", ".join(known or ()) or "none"
        near = difflib.get_close_matches(profile, list(known or ()), 1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        msg = f'the profile "{profile}" is not in [{_PLACE}.profiles]; there are {names}.{hint}'
        raise WrongSetting(msg)
    return []


def _table(table: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        msg = f"{place}.{key}: {inner!r} is not allowed; write a table"
        raise WrongSetting(msg)
    return inner


def _url(place: str, value: Any) -> str:
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise WrongSetting(f'{place}: {value!r} is no address; write one as "http://host:port/"')
    return value


def _text(place: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise WrongSetting(f"{place}: {value!r} is not allowed; write chromium or firefox")
    return value


def _flag(place: str, value: Any) -> bool:
    flag = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
    if flag is None:
        raise WrongSetting(f"{place}: {value!r} is not allowed; write true or false")
    return flag


def _size(place: str, value: Any) -> tuple[int, int]:
    found = _SIZE.fullmatch(str(value))
    if found is None:
        msg = f'{place}: {value!r} is no size in pixels; write one as "1280x900"'
        raise WrongSetting(msg)
    return int(found[1]), int(found[2])


def _policy(place: str, value: Any) -> str:
    if value not in ("fail", "skip"):
        raise WrongSetting(f'{place}: {value!r} is not allowed; allowed: "fail", "skip"')
    return str(value)


def _command(place: str, value: Any) -> tuple[str, ...]:
    """Validate an argument list; a text is one program without arguments, or a JSON list."""
    words = _from_json(value) if isinstance(value, str) and value.startswith("[") else value
    words = [words] if isinstance(words, str) else words
    good = isinstance(words, list) and words and all(isinstance(one, str) for one in words)
    if not good or not words[0]:
        hint = 'write the program and its arguments as a list: ["python", "-m", "app"]'
        raise WrongSetting(f"{place}: {value!r} is not allowed; {hint}")
    return tuple(words)


def _texts(place: str, value: Any) -> Mapping[str, str]:
    table = _from_json(value) if isinstance(value, str) else value
    if not isinstance(table, dict) or not all(isinstance(one, str) for one in table.values()):
        raise WrongSetting(f'{place}: {value!r} is not allowed; write a table: {{ NAME = "text" }}')
    return table


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "base_url": _url,
    "browser": _text,
    "headless": _flag,
    "window_size": _size,
    "grid_url": _url,
    "without_browser": _policy,
    "trust_any_certificate": _flag,
    "desktop": _command,
    "desktop_env": _texts,
    "desktop_seeds": _texts,
}
