"""List the files of a project, without environments, caches and build output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

__all__ = ["files"]

_SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv"}
#: Folders of what is built, but only at the top: `tests/build` holds the tests of a module `build`.
_BUILT = {"build", "dist"}


def files(source: Path, *patterns: str) -> Iterator[Path]:
    """Yield a project's files that match any pattern, in name order.

    Hidden folders, virtual environments, caches and build output are skipped.
    """
    for here, folders, names in os.walk(source):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED
            and not (name in _BUILT and Path(here) == source)
            and not name.startswith(".")
            and not (Path(here) / name / "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            if any(fnmatch(name, pattern) for pattern in patterns):
                yield Path(here) / name
