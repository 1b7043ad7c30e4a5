"""Version of a release: the project's own version and the run's number."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from slipway.model.versions.written import named_by_backend, table

__all__ = ["NONE", "ProjectVersion", "find_version", "local_version"]

#: Version of a project that has none.
NONE = "0.0.0"
_HOW = "make a tag such as v1.0.0, or write the version into pyproject.toml"


@dataclass(frozen=True)
class ProjectVersion:
    """A project's own version, without a local part, which will hold the run's number."""

    text: str
    trouble: str = ""
    """The reason why no version was found, and what to do; empty if one was found."""


def find_version(read: Callable[[str], str | None], described: str | None) -> ProjectVersion:
    """Find a project's own version in its files, without running its code.

    Args:
        read: Returns the text of a file of the project; None if it does not exist.
        described: The output of `git describe --tags`, such as "v1.4.0-3-gabc1234".

    Returns:
        The version in pyproject.toml, else the one that the build backend would read, else that of
        the nearest tag, else "0.0.0".
    """
    data = _pyproject(read)
    found = (
        _public(table(data, "project").get("version"))
        or _public(named_by_backend(data, read))
        or _of_tag(described)
    )
    if found:
        return ProjectVersion(found)
    # What is no package needs no version: the run's number suffices.
    older = next((name for name in ("setup.cfg", "setup.py") if _describes(name, read)), "")
    poetry = "pyproject.toml" if table(data, "tool", "poetry").get("name") else ""
    place = "pyproject.toml" if "project" in data else poetry or older
    return ProjectVersion(NONE, _trouble(data, described, place) if place else "")


def _describes(name: str, read: Callable[[str], str | None]) -> bool:
    """Return True if a file of setuptools describes a package."""
    text = read(name) or ""
    return "[metadata]" in text if name == "setup.cfg" else "setup(" in text


def local_version(base: str, number: int, *, dirty: bool) -> str:
    """Return the version of a build from a working tree: 1.4.0+local.3, 1.4.0+local.3.dirty.

    By PEP 440 it is older than 1.4.0+1 of a site's first run, and never equal to a site's version.

    Args:
        base: The project's own version.
        number: The number of the run on that machine.
        dirty: True if the tree has uncommitted changes.
    """
    return f"{base}+local.{number}" + (".dirty" if dirty else "")


def _trouble(data: dict[str, Any], described: str | None, place: str) -> str:
    dynamic = table(data, "project").get("dynamic")
    tag = f'the nearest tag "{described.strip()[:60]}" is no version' if described else "no tag"
    if isinstance(dynamic, list) and "version" in dynamic:
        where = 'pyproject.toml says dynamic = ["version"], and nothing tells it: '
        return f"{where}no file that its build backend reads, {tag}; {_HOW}"
    return f"{place} says no version that is one and can be read without running it, {tag}; {_HOW}"


def _pyproject(read: Callable[[str], str | None]) -> dict[str, Any]:
    try:
        return tomllib.loads(read("pyproject.toml") or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _of_tag(described: str | None) -> str | None:
    if not described:
        return None
    tag = re.sub(r"-\d+-g[0-9a-f]+$", "", described.strip())
    found = re.search(r"\d.*", tag)
    return _public(found[0]) if found else None


def _public(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    try:
        return Version(text).public
    except InvalidVersion:
        return None
