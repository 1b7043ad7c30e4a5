"""Hash all that decides what a freeze makes."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slipway.scripts.python_env.environment import Environment
from slipway.scripts.report import hash_file

__all__ = ["digest", "machine_facts", "outside_sources", "read_project"]

#: What is no part of a program: what tools and repositories keep for themselves. Hidden folders
#: and caches are never frozen; others may be a package's data, `node_modules` too.
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".slipway", ".venv", "__pycache__", ".tox", ".nox", ".mypy_cache"}
    | {".pytest_cache", ".ruff_cache", ".hypothesis"}
)
#: Of the machine: they change with what cx_Freeze copies from it.
_OF_THE_SYSTEM = (
    "/var/lib/dpkg/status",
    "/etc/ld.so.cache",
    "/etc/ssl/certs/ca-certificates.crt",
)


def digest(parts: Any) -> str:
    """Return a hash of anything that is JSON."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_project(source: Path, without: Sequence[Path]) -> dict[str, str]:
    """Return the hash of each file of a project by its path: content, and whether it may be run.

    A link to a folder has another one each time: what is behind it is not read, so nothing that was
    made with it is as good as new.

    Args:
        source: The project.
        without: Folders of Slipway's own that may lie in it.
    """
    left_out = {path.resolve() for path in without}
    return dict(_files(source, source, left_out))


def _files(folder: Path, source: Path, left_out: set[Path]) -> Iterator[tuple[str, str]]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        yield folder.relative_to(source).as_posix(), f"unreadable {error.errno}"
        return
    for path in found:
        inner = path.relative_to(source).as_posix()
        if path.name in _SKIPPED:
            continue
        if path.is_symlink() and path.is_dir():
            yield inner, f"link {secrets.token_hex(16)}"
        elif path.is_symlink():
            yield inner, f"link {os.fspath(path.readlink())} {_content(path)}"
        elif path.is_dir():
            if path.resolve() not in left_out and not (path / "pyvenv.cfg").exists():
                yield from _files(path, source, left_out)
        elif path.is_file():
            yield inner, _content(path)


def _content(path: Path) -> str:
    try:
        mode = "x" if path.stat().st_mode & 0o100 else "-"
        return f"{mode} {hash_file(path)}" if path.is_file() else "folder"
    except OSError as error:
        return f"unreadable {error.errno}"


def outside_sources(environment: Environment, sites: Sequence[Path]) -> bool:
    """Return True if packages are imported from folders that are not the project's.

    What changes in them is seen nowhere.

    Args:
        environment: The application's environment.
        sites: Where its packages are.
    """
    if "PYTHONPATH" in environment.env:
        return True
    inside = environment.source.resolve()
    for site in sites:
        for file in site.glob("*.dist-info/direct_url.json"):
            try:
                given = json.loads(file.read_text("utf-8"))
                editable = bool(given.get("dir_info", {}).get("editable"))
                if editable and given.get("url") != inside.as_uri():
                    return True
            except (OSError, ValueError, AttributeError):
                return True
    return False


def machine_facts(environment: Environment) -> dict[str, Any]:
    """Return what of the machine decides: Python, packages, the system, Slipway's own code."""
    python = environment.python.resolve()
    return {
        # Written when it is made: by the same name another one may hold other code.
        "environment": [environment.folder.name, *_stamp(environment.folder / "pyvenv.cfg")],
        "versions": dict(environment.versions),
        "python": [str(python), *_stamp(python)],
        "platform": platform.platform(),
        "system": {path: _stamp(Path(path)) for path in _OF_THE_SYSTEM},
        "slipway": _own_code(),
    }


def _stamp(path: Path) -> list[int]:
    try:
        facts = path.stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]


@cache
def _own_code() -> dict[str, str]:
    """Return the hash of each file of ours that has a part in it, and versions of what it uses."""
    room = Path(__file__).parents[1]
    scripts = room.parents[1]
    rooms = [scripts / name for name in ("archives", "binaries", "python_env")]
    places = [room, *rooms, scripts / "process.py"]
    files = [
        file
        for place in places
        for file in ([place] if place.is_file() else sorted(place.rglob("*")))
        if file.is_file() and file.suffix != ".pyc"
    ]
    found = {file.relative_to(scripts).as_posix(): hash_file(file) for file in files}
    ours = {name: version(name) for name in ("slipway", "zstandard", "packaging")}
    return found | ours
