"""Say of each file of a frozen tree which part of the program it is, and collect the parts."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from packaging.utils import canonicalize_name

from slipway.scripts.stages.freeze.contents.distributions import (
    Distribution,
    Environment,
    read_inside,
)
from slipway.scripts.stages.freeze.contents.files import LIBRARY, Held, read_files
from slipway.scripts.stages.freeze.contents.licences import Licences
from slipway.scripts.stages.freeze.contents.packages import Package, packages_of
from slipway.scripts.stages.freeze.libraries.system import on_this_machine

__all__ = ["APPLICATION", "BOOTSTRAP", "PYTHON", "Part", "read_parts"]

APPLICATION, PYTHON = "application", "python"
#: What makes an executable of Python code, and what it leaves in the tree by itself.
BOOTSTRAP = "cx-freeze"
_BY_BOOTSTRAP = frozenset(
    {LIBRARY, "lib/library.dat", "frozen_application_license.txt", f"{LIBRARY}/BUILD_CONSTANTS.pyc"}
)
#: Files that a package makes when it is installed, and hence does not list.
_MADE = {"/etc/ssl/certs/ca-certificates.crt": "/usr/sbin/update-ca-certificates"}

_Kind = Literal["application", "python", "distribution", "package", "file"]


@dataclass(frozen=True)
class Part:
    """One part of a frozen program, with its files."""

    key: str
    kind: _Kind
    name: str
    version: str
    files: tuple[Held, ...]
    distribution: Distribution | None = None
    package: Package | None = None
    """The Debian package that its files were copied from."""

    @property
    def size(self) -> int:
        """Bytes that its files take."""
        return sum(one.size for one in self.files)


def read_parts(
    tree: Path,
    facts: dict[str, Any],
    folders: tuple[Path, ...],
    application: tuple[str, str],
) -> list[Part]:
    """Return the parts of a frozen tree, the application first; each file is in exactly one.

    Args:
        tree: The tree as it is packed.
        facts: What the guest said of it. The packages of this system that it has files of are
            added: they are not asked for again of a tree that is made of it.
        folders: The project, and where its starting scripts were written.
        application: Its name and version.
    """
    return _Reader(tree, facts, folders, application).parts()


class _Reader:
    def __init__(
        self,
        tree: Path,
        facts: dict[str, Any],
        folders: tuple[Path, ...],
        application: tuple[str, str],
    ) -> None:
        places = facts["places"]
        self._sources = {str(name): str(file) for name, file in places["files"].items()}
        self._pythons = [_normal(one) for one in places["python"]]
        self._environment = Environment(map(str, places["site"]))
        self._inside = read_inside(tree)
        self._sites = [_normal(one) for one in places["site"]]
        self._own = [str(one) for one in places["own"]]
        self._folders = [_normal(one) for one in folders]
        self._application = application
        self._facts = facts
        self._files = read_files(tree)
        self._owner_of_folder = cache(self._find_owner_of_folder)

    def parts(self) -> list[Part]:
        owners: dict[str, list[Held]] = defaultdict(list)
        foreign: dict[Path, list[Held]] = defaultdict(list)
        for held in self._files:
            owner = self._owner(held.path)
            if isinstance(owner, Path):
                foreign[owner].append(held)
            else:
                owners[owner].append(held)
        owners.setdefault(APPLICATION, [])
        found = [self._part(key, files) for key, files in owners.items()]
        found += self._foreign(foreign)
        order = {"application": 0, "python": 1}
        return sorted(found, key=lambda one: (order.get(one.kind, 2), one.key))

    def _owner(self, path: str) -> str | Path:
        """Return the key of the part that a file is of, or where it lay on this machine."""
        if path in _BY_BOOTSTRAP:
            return BOOTSTRAP
        if (title := _metadata_of(path)) is not None:
            return APPLICATION if title in self._own else title
        given = self._sources.get(path)
        if given is None:
            # Copied by the check of libraries; else written by the project's own doing.
            return on_this_machine(path.rpartition("/")[2]) or APPLICATION
        return self._owner_of_source(given)

    def _owner_of_source(self, source: str) -> str | Path:
        distribution = self._environment.owner(source)
        if distribution is not None:
            return APPLICATION if distribution in self._own else distribution
        known = self._owner_of_folder(os.path.dirname(source))  # noqa: PTH120  for thousands
        if known is not None:
            return known
        # What cx_Freeze wrote for itself is not there any more.
        return Path(source) if os.path.isfile(source) else BOOTSTRAP  # noqa: PTH113

    def _find_owner_of_folder(self, folder: str) -> str | None:
        place = _normal(folder)
        parents = {place, *place.parents}
        if parents.intersection(self._folders):
            return APPLICATION
        if parents.intersection(self._pythons) and not parents.intersection(self._sites):
            return PYTHON
        return None

    def _part(self, key: str, files: Iterable[Held]) -> Part:
        held = tuple(files)
        if key == APPLICATION:
            own = [self._distribution(one) for one in self._own]
            name, version = self._application
            return Part(key, "application", name, version, held, next(filter(None, own), None))
        if key == PYTHON:
            return Part(key, "python", "Python", str(self._facts["python"]), held)
        known = self._distribution(key)
        version = str(self._facts["cx_freeze"]) if key == BOOTSTRAP else ""
        one = known or Distribution("cx_Freeze" if key == BOOTSTRAP else key, version, Licences())
        return Part(key, "distribution", one.name, one.version, held, one)

    def _distribution(self, key: str) -> Distribution | None:
        return self._inside.get(key) or self._environment.distributions.get(key)

    def _foreign(self, found: Mapping[Path, list[Held]]) -> list[Part]:
        """Return the parts that were copied from this machine's system."""
        asked = {path: Path(_MADE.get(str(path), path)) for path in found}
        packages = self._packages(asked.values())
        by_package: dict[Package, list[Held]] = defaultdict(list)
        parts = []
        for path, files in found.items():
            package = packages.get(asked[path])
            if package is not None:
                by_package[package] += files
            else:
                parts += [Part(f"file:{one.path}", "file", path.name, "", (one,)) for one in files]
        for package, files in by_package.items():
            key, held = f"package:{package.name}", tuple(sorted(files, key=lambda one: one.path))
            parts.append(Part(key, "package", package.name, package.version, held, package=package))
        return parts

    def _packages(self, files: Iterable[Path]) -> dict[Path, Package]:
        known = self._facts.get("packages")
        if known is None:
            found = packages_of(files)
            self._facts["packages"] = {str(path): astuple(one) for path, one in found.items()}
            return found
        return {Path(path): Package(*map(str, given)) for path, given in known.items()}


def _normal(path: str | Path) -> Path:
    return Path(os.path.normcase(os.path.realpath(path)))


def _metadata_of(path: str) -> str | None:
    """Return the key of the distribution whose metadata a file is; None: it is no metadata."""
    for part in path.split("/")[:-1]:
        title, dot, kind = part.rpartition(".")
        if dot and kind in {"dist-info", "egg-info"}:
            return str(canonicalize_name(title.partition("-")[0]))
    return None
