"""Look at all places where a project says what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.scripts.python_env.declared import pipenv, poetry, setuptools_files, tox
from slipway.scripts.python_env.declared.model import Declared, Role, role_of, table, texts

__all__ = ["PLACES", "lines_of", "look", "pinned", "places_in"]

#: All places, for the sentence when there is nothing in any.
PLACES = (
    "pyproject.toml (project, dependency-groups, poetry, hatch, pdm), setup.cfg, setup.py, "
    "Pipfile, requirements files, tox.ini"
)
_FOLDERS = ("", "requirements", "reqs", "tests", "test")
#: Files of what the application itself needs; the first that is there counts.
_MAIN = (
    "requirements.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/main.txt",
    "requirements/requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
)
_LARGEST = 1 << 20


def look(source: Path, data: Mapping[str, Any]) -> list[Declared]:
    """Return what a project says of its needs, place by place.

    Args:
        source: The project.
        data: Its pyproject.toml.
    """
    return [
        *_of_pyproject(data),
        *poetry.read(source, data),
        *_of_tools(data),
        *setuptools_files.read(source),
        *pipenv.read(source),
        *_of_files(source),
        *tox.read(source, data),
    ]


def pinned(source: Path) -> tuple[str, ...]:
    """Return the versions of a lock of Poetry or Pipenv, as constraints."""
    return poetry.locked(source) or pipenv.locked(source)


def places_in(source: Path) -> list[Path]:
    """Return the files that decide: a change in one makes a new environment."""
    names = (poetry.LOCK, pipenv.NAME, pipenv.LOCK, "tox.ini")
    there = [source / name for name in names if (source / name).is_file()]
    return there + [one.file for one in _of_files(source) if one.file is not None]


def _of_pyproject(data: Mapping[str, Any]) -> list[Declared]:
    found = []
    if main := texts(table(data, "project").get("dependencies")):
        found.append(Declared("[project]", Role.MAIN, main))
    for extra, listed in table(data, "project", "optional-dependencies").items():
        role, where = role_of(extra, texts(listed)), f"extra {extra} of [project]"
        found.append(Declared(where, role, texts(listed), extra=extra))
    for group, listed in table(data, "dependency-groups").items():
        role, where = role_of(group, texts(listed)), f"group {group} of [dependency-groups]"
        found.append(Declared(where, role, texts(listed), group=group))
    return found


def _of_tools(data: Mapping[str, Any]) -> list[Declared]:
    """Return what Hatch's environments and PDM's older groups say."""
    found = []
    for name, environment in table(data, "tool", "hatch", "envs").items():
        wanted: tuple[str, ...] = ()
        for key in ("dependencies", "extra-dependencies"):
            wanted += texts(table(environment).get(key))
        if wanted:
            where = f"[tool.hatch.envs.{name}]"
            found.append(Declared(where, role_of(name, wanted), wanted))
    for name, listed in table(data, "tool", "pdm", "dev-dependencies").items():
        needed = tuple(one for one in texts(listed) if not one.startswith("-"))
        where = f"[tool.pdm.dev-dependencies] {name}"
        found.append(Declared(where, role_of(name, needed), needed))
    return found


def _of_files(source: Path) -> list[Declared]:
    """Return the requirements files, by their names and by the folder they lie in."""
    found = []
    main = next((name for name in _MAIN if (source / name).is_file()), "")
    for folder in _FOLDERS:
        for path in sorted((source / folder).glob("*.txt")):
            name = path.relative_to(source).as_posix()
            # In a folder of requirements any name is one: base.txt, dev.txt.
            if "req" not in name.lower() or not path.is_file() or path.is_symlink():
                continue
            plain = name.removesuffix(".txt").replace("/", "-")
            role = Role.MAIN if name == main else role_of(plain, lines_of(path))
            if name in _MAIN and name != main:
                role = Role.OTHER
            found.append(Declared(name, role, lines_of(path), file=path))
    return found


def lines_of(path: Path) -> tuple[str, ...]:
    """Return the lines of a requirements file that name something to install."""
    with path.open("rb") as stream:
        text = stream.read(_LARGEST).decode("utf-8", "replace")
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "-")))
