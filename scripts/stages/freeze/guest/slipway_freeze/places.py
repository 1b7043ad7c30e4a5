"""Record where each file of a frozen tree comes from, and which module asked for another."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from .found import normal, own_distributions

__all__ = ["Places", "target_of", "watch_imports"]


def watch_imports(finder: Any) -> dict[str, str]:
    """Return a record of who of another package asked first for each module; it is filled in later.

    Args:
        finder: cx_Freeze's class of finders: one imports already while it is made.
    """
    askers: dict[str, str] = {}
    find = finder._import_module  # noqa: SLF001  there is no other way to see it

    def imported(self: Any, name: str, deferred: Any, caller: Any = None, *more: Any) -> Any:
        module = find(self, name, deferred, caller, *more)
        # A package's own modules ask for it before who has begun with it is through.
        if module is not None and caller is not None and _top(module) != _top(caller):
            askers.setdefault(module.name, caller.name)
        return module

    finder._import_module = imported  # noqa: SLF001
    return askers


class Places:
    """What a freezer put where."""

    def __init__(self, freezer: Any, askers: dict[str, str], source: str) -> None:
        """Begin to watch a freezer.

        Args:
            freezer: It has written nothing yet.
            askers: See `watch_imports`.
            source: The project.
        """
        self._source = source
        self._freezer = freezer
        self._askers = askers
        self._copied: dict[str, str] = {}
        done = freezer._post_copy_hook  # noqa: SLF001  files_copied has no sources

        def copied(source: Path, target: Path, *more: Any, **named: Any) -> Any:
            inner = Path(target).relative_to(freezer.target_dir).as_posix()
            self._copied[inner] = os.fspath(source)
            return done(source, target, *more, **named)

        freezer._post_copy_hook = copied  # noqa: SLF001

    def found(self) -> dict[str, Any]:
        """Return the source of each file, who imported each module, and where Python itself is."""
        modules = self._freezer.finder.modules
        codes = {
            target_of(module): os.fspath(module.file or "")
            for module in modules
            if module.code is not None
        }
        names = {module.name for module in modules}
        paths = sysconfig.get_paths()
        return {
            "files": dict(sorted((self._copied | codes).items())),
            "imported_by": {
                name: who
                for name, who in self._askers.items()
                # Not what checks the imports, which is not left.
                if name in names and not who.endswith("slipway_check_imports")
            },
            "own": [normal(name) for name in own_distributions(self._source)],
            "python": sorted({paths["stdlib"], paths["platstdlib"], *_own_prefix()}),
            "site": sorted({paths["purelib"], paths["platlib"]}),
        }


def _own_prefix() -> list[str]:
    """Return the folder of Python's own installation; none where it is the system's."""
    return [] if sys.base_prefix in {"/", "/usr"} else [sys.base_prefix]


def _top(module: Any) -> str:
    return str(module.name).partition(".")[0]


def target_of(module: Any) -> str:
    """Return where cx_Freeze's Freezer._write_modules writes the code of a module."""
    in_folder = module.in_file_system >= 1 and module.file is not None
    parts = module.name.split(".")
    # In the archive only folders that exist have an __init__.
    if module.path is not None if in_folder else module.path:
        parts.append("__init__")
    return f"lib/{'' if in_folder else 'library.zip/'}{'/'.join(parts)}.pyc"
