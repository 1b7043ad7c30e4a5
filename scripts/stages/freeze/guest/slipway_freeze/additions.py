"""Add to a frozen program what cx_Freeze does not find by itself."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from itertools import accumulate
from pathlib import Path
from typing import Any

from .dialects import Wrong, one_dialect
from .found import (
    Data,
    code_as_data,
    code_in_folder,
    data_without_init,
    is_private,
    normal,
    own_distributions,
    there,
    wanted_modules,
)

__all__ = ["Additions"]

#: Packages that others load by name when they are shown what no trial run has: rich's tables of
#: characters.
_BY_NAME = {"rich": "rich._unicode_data"}


class Additions:
    """What the frozen program gets besides what cx_Freeze finds by itself."""

    def __init__(self, settings: dict[str, Any], freezer: Any) -> None:
        """Take over the settings and a freezer whose finder has not been asked yet."""
        self.made: list[tuple[str, str, str]] = []
        """Each as a key of the stage, its value, and the reason."""
        self._settings = settings
        self._learned: dict[str, dict[str, str]] = settings["learned"]
        self._freezer = freezer
        self._finder = freezer.finder

    def _known(self) -> set[str]:
        found = {module.name for module in self._finder.modules}
        # A cached property that further modules do not change.
        del self._finder.modules
        return found

    def add(self) -> None:
        """Add all of it to the finder."""
        for name, script in self._settings["codes"].items():
            self._finder.include_file_as_module(script, name)
        for executable in self._freezer.executables:
            self._finder.include_file_as_module(executable.main_script, executable.main_module_name)
        self._add_own_packages()
        self._add_modules()
        self._add_dialects()
        self._add_metadata()
        self._add_own_data()
        self._add_data()

    def _add_own_packages(self) -> None:
        """Take the project's own packages whole: they load parts of themselves by name."""
        known = self._known()
        for name, _ in self._roots():
            self._finder.include_package(name)
        for top, name in _BY_NAME.items():
            if top in known and there(name):
                self._finder.include_package(name)

    def _add_modules(self) -> None:
        known = self._known()
        starts = frozenset(self._settings["starts"])
        wanted = wanted_modules(self._learned["modules"], self._settings["own"], starts)
        excluded = tuple(self._settings["excludes"])
        taken: list[tuple[str, str]] = []
        for name, why in wanted:
            left_out = any(name == one or name.startswith(f"{one}.") for one in excluded)
            if name in known or left_out or name in sys.builtin_module_names:
                continue
            with suppress(ImportError):
                self._finder.include_module(name)
                taken.append((name, why))
        # Not those that are another's alias, or a folder without an __init__.py.
        known = self._known()
        self.made += [("includes", name, why) for name, why in taken if name in known]

    def _add_dialects(self) -> None:
        for name, why in self._learned["dialects"].items():
            with suppress(Wrong):
                for package in one_dialect(name, strict=False):
                    self._finder.include_package(package)
                self.made.append(("dialects", name, why))

    def _add_metadata(self) -> None:
        own = own_distributions(self._settings["source"])
        wanted = self._learned["metadata"] | dict.fromkeys((*self._settings["metadata"], *own), "")
        cached = {
            normal(path.name.rpartition("-")[0]) for path in self._finder.cache_path.iterdir()
        }
        for name, why in wanted.items():
            try:
                found = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                if name in self._settings["metadata"]:
                    msg = (
                        f'metadata: there is no distribution "{name}" in the application\'s '
                        "environment; add it to the dependencies or mend the name"
                    )
                    raise Wrong(msg) from None
                continue
            title = (
                f"{normal(str(found.metadata['Name'])).replace('-', '_')}-{found.version}.dist-info"
            )
            if normal(name) in cached:
                continue
            cached.add(normal(name))
            folder = Path(self._settings["work"]) / title
            folder.mkdir(exist_ok=True)
            # Not direct_url.json and RECORD, which name folders of this machine.
            for part, text in (
                ("METADATA", found.read_text("METADATA") or found.read_text("PKG-INFO")),
                ("entry_points.txt", found.read_text("entry_points.txt")),
            ):
                if text:
                    (folder / part).write_text(text, "utf-8")
            self._finder.include_files(folder, f"lib/{title}")
            if why:
                self.made.append(("metadata", name, why))

    def _roots(self) -> Iterator[tuple[str, Path]]:
        """Yield the project's own packages that are in the program, and their folders."""
        known = self._known()
        for name in self._settings["own"]:
            inside = name in known or any(one.startswith(f"{name}.") for one in known)
            for path in self._settings["path"]:
                folder = Path(path, name)
                if inside and folder.is_dir():
                    yield name, folder
                    break

    def _add_own_data(self) -> None:
        starts = self._settings["starts"]
        for _, folder in self._roots():
            for file, inner in (*code_as_data(folder), *data_without_init(folder)):
                self._finder.include_files(file, f"lib/{inner}")
            for path, why in self._learned["folders"].items():
                if why in starts:
                    # Searched by the program: for plugins, perhaps, by their names.
                    for file, inner in code_in_folder(Path(path), folder):
                        self._finder.include_files(file, f"lib/{inner}")

    def _add_data(self) -> None:
        starts = self._settings["starts"]
        tops = {name.partition(".")[0] for name in self._known()}
        data = Data(self._settings["path"], tops, self._settings["beside"])
        for path, why in self._learned["files"].items():
            target = data.target(Path(path), by_start=why in starts)
            if target is not None:
                self._finder.include_files(path, target)
                self.made.append(("include-files", f"{path}:{target}", why))
        for inner, why in self._learned["lacking"].items():
            found = data.locate(inner)
            if found is not None:
                self._finder.include_files(found, f"lib/{inner}")
                self.made.append(("include-files", f"{found}:lib/{inner}", why))

    def prune(self) -> None:
        """Delete from the project's own packages what is nobody else's business.

        That are hidden files, copies that editors keep, links that lead out of the project, and
        tests; cx_Freeze takes all that lies in a package.
        """
        used: set[str] = set()
        for name, why in self._learned["modules"].items():
            if why in self._settings["starts"]:
                # The packages that it is in are used, too.
                used.update(accumulate(name.split("."), "{}.{}".format))
        for _, folder in self._roots():
            frozen = Path(self._settings["target"], "lib")
            for path in folder.rglob("*"):
                inner = path.relative_to(folder.parent)
                module = ".".join(inner.with_suffix("").parts)
                source = Path(self._settings["source"])
                if is_private(path, source, is_used=module in used):
                    _delete(frozen / inner)
                    if path.suffix == ".py":
                        _delete(frozen / inner.with_suffix(".pyc"))

    def checked(self) -> list[str]:
        """Return the modules of a trace that are in the program, but for the standard library's."""
        standard: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
        known = self._known()
        traced = self._learned["modules"]
        found = [
            name for name in traced if name in known and name.partition(".")[0] not in standard
        ]
        # A __main__ is a program, and would do its work.
        return [name for name in found if name.rpartition(".")[2] != "__main__"]


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
