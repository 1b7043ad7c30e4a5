"""Read what Poetry's table in pyproject.toml says, with the versions of poetry.lock."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.scripts.python_env.declared.constraints import pep508
from slipway.scripts.python_env.declared.model import Declared, Role, role_of, table

__all__ = ["LOCK", "is_package", "locked", "read"]

LOCK = "poetry.lock"


def is_package(data: Mapping[str, Any]) -> bool:
    """Return True if Poetry's table describes a package that can be built."""
    poetry = table(data, "tool", "poetry")
    return "name" in poetry and poetry.get("package-mode") is not False


def read(source: Path, data: Mapping[str, Any]) -> list[Declared]:
    """Return what the table says: dependencies, and each group's."""
    poetry = table(data, "tool", "poetry")
    found = []
    if main := _list(source, table(poetry, "dependencies"), optional=False):
        found.append(Declared("[tool.poetry.dependencies]", Role.MAIN, main))
    groups = {name: table(group, "dependencies") for name, group in table(poetry, "group").items()}
    if old := table(poetry, "dev-dependencies"):
        groups["dev"] = {**old, **groups.get("dev", {})}
    for name, listed in groups.items():
        wanted = _list(source, listed)
        if wanted:
            where = f"group {name} of [tool.poetry]"
            found.append(Declared(where, role_of(name, wanted), wanted))
    extras = table(poetry, "extras") if "project" not in data else {}
    where = "extra {} of [tool.poetry]"
    return found + [Declared(where.format(one), role_of(one, ()), extra=one) for one in extras]


def _list(source: Path, listed: Mapping[str, Any], *, optional: bool = True) -> tuple[str, ...]:
    return tuple(
        text
        for name, given in listed.items()
        if name.lower() != "python"
        if optional or not (isinstance(given, Mapping) and given.get("optional"))
        for text in pep508(name, given, source)
    )


def locked(source: Path) -> tuple[str, ...]:
    """Return the versions of poetry.lock as constraints; none without a readable one."""
    try:
        packages = tomllib.loads((source / LOCK).read_text("utf-8")).get("package", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ()
    versions: dict[str, set[str]] = {}
    for one in packages if isinstance(packages, list) else ():
        if isinstance(one, Mapping) and "source" not in one:
            versions.setdefault(str(one.get("name")), set()).add(str(one.get("version")))
    # One that is locked in two versions differs by markers: the installer chooses.
    return tuple(f"{name}=={next(iter(one))}" for name, one in versions.items() if len(one) == 1)
