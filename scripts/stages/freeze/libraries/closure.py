"""Find the libraries that a frozen tree needs and does not hold."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.binaries.binary import Binary
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.freeze.libraries.system import (
    API_SETS,
    DRIVERS,
    WINDOWS,
    is_system,
    on_this_machine,
)

__all__ = ["Closure", "Finding", "check_closure"]

_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """Something that will go wrong on another machine."""

    is_error: bool
    """True: a program does not start without it; False: a part of it may not work."""
    text: str


@dataclass(frozen=True)
class Closure:
    """The result of the check."""

    findings: tuple[Finding, ...]
    copyable: tuple[str, ...]
    """Missing libraries that this machine has, and that may be copied."""
    floor: str
    """The oldest system that the programs start on, such as "glibc 2.17"; empty: unknown."""
    copied: tuple[str, ...] = ()
    """Libraries that were copied from this machine."""


def check_closure(
    tree: Path,
    binaries: Sequence[Binary],
    programs: Iterable[str],
    loaded: Iterable[str],
    windows: str,
) -> Closure:
    """Check the libraries of a frozen tree.

    Args:
        tree: The tree.
        binaries: Its binaries.
        programs: The files of the executables.
        loaded: Modules that the programs import when they start.
        windows: The oldest Windows that they have to run on.
    """
    return _Check(tree, binaries, set(programs), set(loaded), windows).result()


class _Check:
    def __init__(
        self,
        tree: Path,
        binaries: Sequence[Binary],
        programs: set[str],
        loaded: set[str],
        windows: str,
    ) -> None:
        self._tree = tree
        self._binaries = binaries
        self._windows = windows
        self._by_name: dict[str, list[Binary]] = defaultdict(list)
        for binary in binaries:
            for name in {binary.name, self._key(binary.path.name, binary)}:
                self._by_name[name].append(binary)
        self._main = [binary for binary in binaries if binary.path.as_posix() in programs]
        self._needed = self._reached(self._main)
        self._start = self._reached(
            [*self._main, *(one for one in binaries if _module(one.path) in loaded)]
        )

    @staticmethod
    def _key(name: str, binary: Binary) -> str:
        return name.lower() if binary.imports.is_windows else name

    def _reached(self, roots: Sequence[Binary]) -> set[Path]:
        """Return the paths of binaries that are loaded with others."""
        found: set[Path] = set()
        left = list(roots)
        while left:
            binary = left.pop()
            if binary.path not in found:
                found.add(binary.path)
                left += [
                    one for need in binary.imports.needs for one in self._by_name.get(need, ())
                ]
        return found

    def result(self) -> Closure:
        """Run all checks."""
        missing = self._missing()
        # Not for optional parts: one plugin of Qt would bring the whole of GTK.
        copyable = [
            name
            for name, needing in missing.items()
            if self._at_start(name, needing) and on_this_machine(name) is not None
        ]
        findings = [*self._about_missing(missing), *self._mixed(), *self._too_new(), *self._twice()]
        findings.sort(key=lambda one: not one.is_error)
        return Closure(tuple(findings), tuple(copyable), self._floor())

    def _missing(self) -> dict[str, list[Binary]]:
        """Return who needs each library that is neither in the tree nor in every system."""
        found: dict[str, list[Binary]] = defaultdict(list)
        for binary in self._binaries:
            imports = binary.imports
            windows = self._windows if imports.is_windows else None
            for name in (*imports.needs, *imports.delayed):
                if name not in self._by_name and not is_system(name, imports.machine, windows):
                    found[name].append(binary)
        return dict(sorted(found.items()))

    def _at_start(self, name: str, needing: Sequence[Binary]) -> list[Binary]:
        """Return those that are loaded when the programs start, and the library with them.

        On Linux not a module whose library this machine lacks, too: it cannot have been loaded when
        the program was traced, and the program has done without it.
        """
        found = [one for one in needing if one.path in self._start and name in one.imports.needs]
        if name in DRIVERS or on_this_machine(name) is not None:
            return found
        return [one for one in found if one.imports.is_windows or one.path in self._needed]

    def _about_missing(self, missing: dict[str, list[Binary]]) -> Iterator[Finding]:
        for name, needing in missing.items():
            at_start = self._at_start(name, needing)
            who = _names(at_start or needing)
            if name in DRIVERS:
                text = f"{name} has to be on the machine that runs the program; needed by {who}"
                yield Finding(is_error=False, text=text)
                continue
            what = "at the programs' start" if at_start else "which may be optional"
            text = (
                f"{name} is neither in the tree nor in every system; needed by {who}, {what}; add "
                "the package that ships it to the dependencies, or install it on this machine"
            )
            yield Finding(is_error=bool(at_start), text=text)

    def _mixed(self) -> Iterator[Finding]:
        """Find binaries for another processor than the programs'."""
        machines = {one.imports.machine for one in self._main}
        if len(machines) != 1:
            return
        (machine,) = machines
        for one in self._binaries:
            if one.imports.machine != machine:
                own = one.imports.machine
                text = f"{one.path.as_posix()} is for {own}, the programs are for {machine}"
                yield Finding(is_error=one.path in self._start, text=text)

    def _too_new(self) -> Iterator[Finding]:
        """Find binaries that need a newer Windows than the stage's."""
        wanted = WINDOWS[self._windows]
        for one in self._binaries:
            if not one.imports.is_windows:
                continue
            needed = max([one.imports.floor, *_of_api_sets(one.imports.needs)])
            if needed > wanted:
                number = ".".join(map(str, needed))
                text = (
                    f"{one.path.as_posix()} needs Windows {number} (Windows 7 is 6.1, 8 is 6.2, "
                    f'8.1 is 6.3); the stage says windows = "{self._windows}"'
                )
                yield Finding(is_error=one.path in self._start, text=text)

    def _twice(self) -> Iterator[Finding]:
        """Find DLLs of one name with different contents: Windows loads one of them for all."""
        for name, several in sorted(self._by_name.items()):
            libraries = [one for one in several if one.path.suffix.lower() == ".dll"]
            if len(libraries) > 1 and len({self._hash(one) for one in libraries}) > 1:
                text = (
                    f"two versions of {name}: {_names(libraries)}; the first to be loaded is used"
                )
                yield Finding(is_error=False, text=text)

    def _hash(self, binary: Binary) -> bytes:
        with (self._tree / binary.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()

    def _floor(self) -> str:
        floors = [
            one.imports.floor
            for one in self._binaries
            if one.path in self._start and not one.imports.is_windows and one.imports.floor
        ]
        return f"glibc {'.'.join(map(str, max(floors)))}" if floors else ""


def _of_api_sets(needs: Iterable[str]) -> Iterator[tuple[int, ...]]:
    for name in needs:
        for prefix, version in API_SETS.items():
            if name.startswith(prefix):
                yield version


def _module(path: Path) -> str:
    """Return the name of the module that a binary below lib is."""
    parts = path.parts[1:] if path.parts[0] == "lib" else path.parts
    return ".".join((*parts[:-1], parts[-1].partition(".")[0])) if parts else ""


def _names(binaries: Sequence[Binary]) -> str:
    shown = [one.path.as_posix() for one in binaries[:_SHOWN]]
    more = len(binaries) - len(shown)
    return ", ".join(shown) + (f" and {count_text(more, 'more file')}" if more else "")
