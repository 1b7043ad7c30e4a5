"""Find a Python by its version, also where pyenv, asdf, mise or uv keep those of this machine.

A worker is a service: its PATH has none of the lines that a person's shell start-up adds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.scripts.python_env.uv import try_uv

__all__ = ["find_python", "installed", "places"]

_VERSION = re.compile(r"[0-9]+(\.[0-9]+){0,2}")
_NUMBERS = re.compile(r"(?:cpython-)?([0-9]+\.[0-9]+\.[0-9]+)(?:$|-)")
_MOST = 12


def find_python(asked: str, cwd: Path) -> tuple[str, str]:
    """Return the interpreter for a version, and what to say where it is not to be found.

    Args:
        asked: A version such as "3.12", a path, or any other form that uv knows.
        cwd: The project.

    Returns:
        The interpreter's path, or what was asked for, for uv to refuse; and a list of what there is
        for uv's refusal.
    """
    if not _VERSION.fullmatch(asked):
        return asked, ""
    found = try_uv(("python", "find", "--no-project", "--system", asked), cwd=cwd, folder=cwd)
    if found.code == 0:
        return asked, ""
    there = sorted(installed(), reverse=True)
    for version, path in there:
        if ".".join(map(str, version)) == asked or _has_prefix(version, asked):
            return str(path), ""
    named = ", ".join(".".join(map(str, version)) for version, _ in there[:_MOST])
    where = ", ".join(str(place) for place in places())
    return asked, f"looked on PATH, in uv's own folder and in {where}: {named or 'nothing'} there"


def _has_prefix(version: tuple[int, ...], asked: str) -> bool:
    wanted = tuple(map(int, asked.split(".")))
    return version[: len(wanted)] == wanted


def places() -> list[Path]:
    """Return the folders where version managers keep Pythons."""
    home = Path.home()
    variables = os.environ
    return [
        Path(variables.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        Path(variables.get("ASDF_DATA_DIR") or home / ".asdf") / "installs" / "python",
        Path(variables.get("MISE_DATA_DIR") or home / ".local/share/mise") / "installs" / "python",
        Path(variables.get("UV_PYTHON_INSTALL_DIR") or home / ".local/share/uv/python"),
        home / ".pyenv" / "pyenv-win" / "versions",
    ]


def installed() -> Iterator[tuple[tuple[int, ...], Path]]:
    """Yield the version and the interpreter of each Python in those folders."""
    for place in places():
        try:
            folders = sorted(place.iterdir())
        except OSError:
            # Not there, or not this user's.
            continue
        for folder in folders:
            match = _NUMBERS.match(folder.name)
            python = next((one for one in _interpreters(folder) if os.access(one, os.X_OK)), None)
            # Links such as 3.12 name what another folder holds.
            if match and python and not folder.is_symlink():
                yield tuple(map(int, match[1].split("."))), python


def _interpreters(folder: Path) -> Iterator[Path]:
    yield folder / "bin" / "python3"
    yield folder / "bin" / "python"
    yield folder / "python.exe"
