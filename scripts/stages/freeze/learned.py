"""What is known of an application beyond its code: modules, metadata, data and libraries it uses.

It comes from a trace of the unfrozen program, and from what a frozen program lacked. Kept on the
worker by the versions of the environment, so that the next freeze needs no trace.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway.scripts.atomic_files import write_text

__all__ = [
    "IN_TESTS",
    "Learned",
    "learn_from_output",
    "load_learned",
    "read_trace",
    "save_learned",
    "toml_lines",
]

#: The reason for what only the tests use.
IN_TESTS = "used in the tests"
#: Of a trace: more is no program's own doing.
_MOST_LINES = 200_000
_MOST_BYTES = 40_000_000
_METADATA = re.compile(r"([^/\\]+?)-[^/\\-]+\.(?:dist|egg)-info$")
_NO_MODULE = re.compile(r"No module named '([\w.-]+)'|No module named ([\w.-]+)")
_NO_NAME = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_NO_METADATA = re.compile(r"No package metadata was found for ([\w.-]+)")
_NO_DISTRIBUTION = re.compile(r"The '([\w.-]+)[^']*' distribution was not found")
_NO_DIALECT = re.compile(r"Can't load plugin: sqlalchemy\.dialects:([\w.+]+)")
_NO_FILE = re.compile(
    r"""(?:No such file or directory|FileNotFoundError|does ?n.t exist)[^\n]*?['"]([^'"\n]+)['"]"""
)


@dataclass
class Learned:
    """Names of what to take besides what cx_Freeze finds, each with the reason."""

    modules: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    """Names of distributions."""
    files: dict[str, str] = field(default_factory=dict)
    """Absolute paths of files that were opened; the guest knows which belong to a package."""
    folders: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    """Libraries that ctypes loaded: a name or a path."""
    lacking: dict[str, str] = field(default_factory=dict)
    """Paths below `lib` that a frozen program did not find."""
    dialects: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return True if anything is known."""
        return bool(self._size())

    def add(self, other: Learned) -> bool:
        """Add what another knows; the first reason stays. Return True if anything was new."""
        before = self._size()
        for name, known in asdict(self).items():
            setattr(self, name, getattr(other, name) | known)
        return self._size() > before

    def _size(self) -> int:
        return sum(len(known) for known in asdict(self).values())


def read_trace(file: Path, why: str, moved: tuple[Path, Path] | None = None) -> Learned:
    """Read the record that guest/tracing/sitecustomize.py has written.

    Args:
        file: The record; may be missing, or end in the middle of a line.
        why: The reason to give for all of it.
        moved: A copy in which the program ran, and where its files are.
    """
    found = Learned()
    kinds = {b"m": found.modules, b"f": found.files, b"d": found.folders, b"c": found.libraries}
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
    except OSError:
        return found
    # Folders of this one run, and processes: their names would be new ones each time.
    passing = (f"{file.parent}{os.sep}", "/proc/")
    for line in content.splitlines()[:_MOST_LINES]:
        kind, _, value = line.partition(b" ")
        text = value.decode("utf-8", errors="replace")
        if moved is not None and text.startswith(f"{moved[0]}{os.sep}"):
            text = f"{moved[1]}{text[len(str(moved[0])) :]}"
        if kind in kinds and text and "\ufffd" not in text and not text.startswith(passing):
            kinds[kind][text] = why
    for path in (*found.files, *found.folders):
        folder = path.replace("\\", "/").rpartition("/")[0] if path in found.files else path
        # Entry points are searched in all distributions: those do not count.
        asked = path in found.folders or path.endswith(("METADATA", "PKG-INFO"))
        if asked and (match := _METADATA.search(folder)):
            found.metadata[match[1]] = why
    return found


def learn_from_output(output: str, why: str) -> Learned:
    """Return what a frozen program says that it lacks."""
    found = Learned()
    for match in _NO_MODULE.finditer(output):
        found.modules[(match[1] or match[2]).rstrip(".")] = why
    for match in _NO_NAME.finditer(output):
        found.modules[f"{match[2]}.{match[1]}"] = why
    for pattern in (_NO_METADATA, _NO_DISTRIBUTION):
        for match in pattern.finditer(output):
            found.metadata[match[1]] = why
    for match in _NO_DIALECT.finditer(output):
        found.dialects[match[1].partition(".")[0].partition("+")[0]] = why
    for match in _NO_FILE.finditer(output):
        _, lib, inner = match[1].replace("\\", "/").rpartition("/lib/")
        if lib and inner and ".." not in inner.split("/"):
            found.lacking[inner.removeprefix("library.zip/")] = why
    return found


def _file(cache: Path, parts: Sequence[str]) -> Path:
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
    return cache / "freeze" / f"learned-{key}.json"


def load_learned(cache: Path, parts: Sequence[str]) -> Learned | None:
    """Return what was learned before of the same program in the same environment; None: nothing.

    Args:
        cache: This machine's cache folder.
        parts: What decides: versions of the environment, programs, smoke runs.
    """
    try:
        given: Any = json.loads(_file(cache, parts).read_text("utf-8"))
        return Learned(**{name: _texts(given[name]) for name in asdict(Learned())})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _texts(given: Any) -> dict[str, str]:
    return {str(name): str(why) for name, why in dict(given).items()}


def save_learned(cache: Path, parts: Sequence[str], learned: Learned) -> None:
    """Keep what was learned for the next freeze."""
    file = _file(cache, parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, json.dumps(asdict(learned), indent=1, sort_keys=True))


def toml_lines(found: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return the lines of pipeline.toml that make permanent what was added.

    Args:
        found: Key, value and reason of each.
    """
    by_key: dict[str, list[tuple[str, str]]] = {}
    for key, value, why in found:
        by_key.setdefault(key, []).append((value, why))
    lines = []
    for key, values in by_key.items():
        lines.append(f"{key} = [")
        lines.extend(f"    {json.dumps(value)},  # {why}" for value, why in values)
        lines.append("]")
    return lines
