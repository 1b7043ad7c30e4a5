"""Find the line of each key of a TOML text, so that an error can name it."""

from __future__ import annotations

import tomllib
from typing import Any

__all__ = ["Lines", "Path"]

Path = tuple[str | int, ...]


class Lines:
    """The line of each key. `tomllib` parses the text; this class only finds the lines."""

    def __init__(self, text: str) -> None:
        self._found: dict[Path, int] = {(): 1}
        self._tables: dict[Path, int] = {}
        # Not splitlines(): TOML ends lines at line feeds alone.
        self._scan([line.removesuffix("\r") for line in text.split("\n")])

    def line(self, path: Path) -> int:
        """Return the 1-based line of a key, or of the nearest table around it."""
        while path not in self._found:
            path = path[:-1]
        return self._found[path]

    def _scan(self, lines: list[str]) -> None:
        table: Path = ()
        start = 0
        while start < len(lines):
            end, data = _statement(lines, start)
            stripped = lines[start].strip()
            if stripped.startswith("["):
                table = self._enter(data, start + 1)
            else:
                self._note(table, data, start + 1)
            start = end

    def _enter(self, data: dict[str, Any], line: int) -> Path:
        """Record a table header; return the path that the following keys belong to."""
        path: Path = ()
        here: Any = data
        while here:
            if isinstance(here, list):
                index = self._tables.get(path, -1) + 1
                self._tables[path] = index
                self._found.setdefault(path, line)
                path, here = (*path, index), here[0]
            else:
                key = next(iter(here))
                path, here = (*path, key), here[key]
                self._found.setdefault(path, line)
                if isinstance(here, dict) and path in self._tables and here:
                    path = (*path, self._tables[path])
        if isinstance(here, list):
            path = (*path, 0)
        self._found[path] = line
        return path

    def _note(self, base: Path, data: Any, line: int) -> None:
        items: Any = ()
        if isinstance(data, dict):
            items = data.items()
        elif isinstance(data, list):
            items = enumerate(data)
        for key, value in items:
            self._found.setdefault((*base, key), line)
            self._note((*base, key), value, line)


def _statement(lines: list[str], start: int) -> tuple[int, dict[str, Any]]:
    """Return the line after the statement that starts at a line, and the statement's data."""
    for end in range(start + 1, len(lines) + 1):
        try:
            return end, tomllib.loads("\n".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
    return start + 1, {}
