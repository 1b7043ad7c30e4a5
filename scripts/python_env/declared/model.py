"""One place where a project says what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["Declared", "Role", "name_of", "role_of", "table", "texts"]

#: Names of extras, groups and files for those who run the tests.
_FOR_TESTS = frozenset({"dev", "develop", "development", "ci"})
_RUNNERS = frozenset({"pytest", "nose2"})
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


class Role(StrEnum):
    """Who needs it."""

    MAIN = "main"
    """Whoever runs the application."""
    TESTS = "tests"
    """Whoever runs its tests."""
    OTHER = "other"
    """Others, such as who builds its documentation."""


@dataclass(frozen=True)
class Declared:
    """What one place says."""

    where: str
    """The place, for sentences: "group dev in pyproject.toml"."""
    role: Role
    requirements: tuple[str, ...] = ()
    """As PEP 508 writes them."""
    file: Path | None = None
    """A requirements file to install, instead of `requirements`."""
    extra: str = ""
    """The extra of the project to install, instead of `requirements`."""
    group: str = ""
    """The dependency group of pyproject.toml to install, instead of `requirements`."""
    weak: bool = False
    """True: it counts only where nothing else says what tests need."""


def name_of(requirement: object) -> str:
    """Return the package that a requirement names, in lower case; empty if it names none."""
    match = _NAME.match(requirement) if isinstance(requirement, str) else None
    return match[1].lower() if match else ""


def role_of(name: str, requirements: Iterable[object]) -> Role:
    """Return who needs a set of requirements, by its name and by the test runners in it."""
    plain = re.sub(r"[-_.]+", "-", name.lower())
    words = plain.split("-")
    if any(word.startswith("test") for word in words) or _FOR_TESTS & set(words):
        return Role.TESTS
    return Role.TESTS if _RUNNERS & set(map(name_of, requirements)) else Role.OTHER


def table(data: object, *keys: str) -> dict[str, Any]:
    """Return a table within a table; an empty one where there is none or something else."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return dict(data) if isinstance(data, Mapping) else {}


def texts(values: object) -> tuple[str, ...]:
    """Return the texts of a list; of anything else, none."""
    listed = values if isinstance(values, list | tuple) else ()
    return tuple(one for one in listed if isinstance(one, str))
