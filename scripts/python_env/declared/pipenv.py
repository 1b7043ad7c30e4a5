"""Read what a Pipfile says, with the versions of Pipfile.lock."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from slipway.scripts.python_env.declared.constraints import pep508
from slipway.scripts.python_env.declared.model import Declared, Role, role_of, table

__all__ = ["LOCK", "NAME", "locked", "read"]

NAME, LOCK = "Pipfile", "Pipfile.lock"
_SECTIONS = {"packages": Role.MAIN, "dev-packages": Role.TESTS}


def read(source: Path) -> list[Declared]:
    """Return what the Pipfile says: [packages], [dev-packages] and categories of one's own."""
    try:
        data = tomllib.loads((source / NAME).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    found = []
    for section, listed in data.items():
        if section in ("source", "requires", "scripts", "pipenv", "pipfile"):
            continue
        wanted = tuple(
            text for name, given in table(listed).items() for text in pep508(name, given, source)
        )
        role = _SECTIONS.get(section) or role_of(section, wanted)
        if wanted:
            found.append(Declared(f"[{section}] of Pipfile", role, wanted))
    return found


def locked(source: Path) -> tuple[str, ...]:
    """Return the versions of Pipfile.lock as constraints; none without a readable one."""
    try:
        data = json.loads((source / LOCK).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ()
    versions: dict[str, set[str]] = {}
    for section in ("default", "develop"):
        for name, given in table(data, section).items():
            version = given.get("version") if isinstance(given, Mapping) else None
            if isinstance(version, str) and version.startswith("=="):
                versions.setdefault(name, set()).add(version)
    return tuple(f"{name}{next(iter(one))}" for name, one in versions.items() if len(one) == 1)
