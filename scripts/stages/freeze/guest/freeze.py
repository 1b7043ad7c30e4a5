"""Freeze one script inside the application's Python, with the standard library and cx_Freeze only.

Usage: python freeze.py SETTINGS.json RESULT.json

The result describes the frozen program and its missing modules, or holds "wrong": a sentence about
the settings.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module, metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from platform import python_version
from sysconfig import get_platform
from typing import Any

__all__ = [
    "BESIDES",
    "CALLERS",
    "DRIVERS",
    "SQLALCHEMY",
    "WINDOWS_RUNTIME",
    "Wrong",
    "check_modules",
    "dialect_packages",
    "freeze",
    "main",
    "missing",
    "one_dialect",
    "there",
]

# The drivers of each dialect. SQLAlchemy imports them by name at run time, so cx_Freeze cannot find
# them.
DRIVERS = {
    "sqlite": ("aiosqlite",),
    "postgresql": ("psycopg", "psycopg2", "asyncpg", "pg8000"),
    "mysql": ("MySQLdb", "pymysql", "mysql.connector", "aiomysql", "asyncmy", "mariadb"),
    "oracle": ("oracledb", "cx_Oracle"),
    "mssql": ("pyodbc", "pymssql", "aioodbc"),
}
# Modules that drivers import by name themselves.
BESIDES = {"psycopg": ("psycopg_binary", "psycopg_c"), "asyncpg": ("greenlet",)}
SQLALCHEMY = ("sqlalchemy.sql.default_comparator",)
# The Visual C++ runtime. cx_Freeze does not bundle it: include_msvcr would download it, and
# include_files drops these names. bin_includes copies the ones that are imported.
WINDOWS_RUNTIME = (
    "vcruntime140.dll",
    "vcruntime140_1.dll",
    "msvcp140.dll",
    "msvcp140_1.dll",
    "msvcp140_2.dll",
)
CALLERS = 3


class Wrong(Exception):
    """The settings are wrong; the message is the sentence for the user."""


def there(module: str) -> bool:
    """Return True if a module can be imported, without importing it or its packages."""
    top, *inner = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    for depth in range(len(inner)):
        places = spec.submodule_search_locations if spec else None
        if places is None:
            return False
        spec = PathFinder.find_spec(".".join([top, *inner[: depth + 1]]), places)
    return spec is not None


def dialect_packages(asked: list[str] | None) -> list[str]:
    """Return the packages that SQLAlchemy imports only at run time.

    Args:
        asked: Names of dialects. None: sqlite, and those whose driver is installed.

    Raises:
        Wrong: SQLAlchemy, a dialect or its driver is missing.
    """
    if not there("sqlalchemy"):
        if asked:
            msg = (
                f"dialects {', '.join(asked)} are asked for, but SQLAlchemy is not in the "
                "application's environment; add it to the dependencies"
            )
            raise Wrong(msg)
        return []
    names = asked
    if names is None:
        names = ["sqlite", *(name for name in DRIVERS if any(map(there, DRIVERS[name])))]
    found = [module for module in SQLALCHEMY if there(module)]
    for name in dict.fromkeys(names):
        found += one_dialect(name.partition("+")[0], strict=asked is not None)
    return list(dict.fromkeys(found))


def one_dialect(name: str, *, strict: bool) -> list[str]:
    """Return the packages of one dialect, built into SQLAlchemy or from a plugin.

    Args:
        name: The dialect.
        strict: True: a dialect without its driver is an error.

    Raises:
        Wrong: The dialect or its driver is missing.
    """
    if there(f"sqlalchemy.dialects.{name}"):
        drivers = [driver for driver in DRIVERS.get(name, ()) if there(driver)]
        if strict and name in DRIVERS and name != "sqlite" and not drivers:
            wanted = ", ".join(DRIVERS[name])
            msg = f"dialect {name} needs one of its drivers in the dependencies: {wanted}"
            raise Wrong(msg)
        besides = [module for driver in drivers for module in BESIDES.get(driver, ())]
        return [f"sqlalchemy.dialects.{name}", *drivers, *filter(there, besides)]
    found = [
        point.value.partition(":")[0].partition(".")[0]
        for distribution in metadata.distributions()
        for point in distribution.entry_points
        if point.group == "sqlalchemy.dialects" and point.name.partition(".")[0] == name
    ]
    if not found:
        known = ", ".join(sorted(DRIVERS))
        msg = f'SQLAlchemy has no dialect "{name}" in this environment; its own are {known}'
        raise Wrong(msg)
    return found


def check_modules(settings: dict[str, Any]) -> None:
    """Refuse missing packages and modules, for which cx_Freeze would end with a traceback.

    Raises:
        Wrong: One is missing.
    """
    for key in ("packages", "includes"):
        for name in settings[key]:
            if not there(name):
                msg = (
                    f'{key}: there is no module "{name}" in the application\'s environment; '
                    "add it to the dependencies or mend the name"
                )
                raise Wrong(msg)


def missing(found: dict[str, Any]) -> dict[str, list[str]]:
    """Return the missing modules by top-level package, without the standard library's.

    Args:
        found: cx_Freeze's missing modules, each with its importers.
    """
    standard: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
    missed: dict[str, list[str]] = {}
    for name in sorted(found):
        top = name.partition(".")[0]
        callers = {str(caller).partition(".")[0] for caller in found[name]}
        callers -= standard | {top}
        if top in standard or not callers:
            continue
        missed[top] = sorted({*missed.get(top, []), *callers})[:CALLERS]
    return missed


def freeze(settings: dict[str, Any]) -> dict[str, Any]:
    """Freeze the program and return the facts of it.

    Raises:
        Wrong: The settings are wrong.
    """
    cx_freeze = import_module("cx_Freeze")
    check_modules(settings)
    extra = dialect_packages(settings["dialects"])
    executable = cx_freeze.Executable(
        settings["script"],
        target_name=settings["name"],
        base="gui" if settings["gui"] else None,
        icon=settings["icon"],
    )
    # Without a % this time format is a constant: the commit's time instead of the current one.
    date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(settings["epoch"]))
    freezer = cx_freeze.Freezer(
        [executable],
        cx_freeze.ConstantsModule(time_format=date),
        includes=[*settings["includes"], *(name for name in extra if name in SQLALCHEMY)],
        packages=[*settings["packages"], *(name for name in extra if name not in SQLALCHEMY)],
        excludes=settings["excludes"],
        include_files=[tuple(pair) for pair in settings["include_files"]],
        path=[*settings["path"], *sys.path],
        target_dir=settings["target"],
        replace_paths=[("*", "")],
        bin_includes=list(WINDOWS_RUNTIME) if sys.platform == "win32" else [],
        include_msvcr=False,
        silent=3,
    )
    freezer.freeze()
    return {
        "executable": executable.target_name,
        "missing": missing(getattr(freezer.finder, "_bad_modules", {})),
        "dialects": [name for name in extra if name not in SQLALCHEMY],
        "python": python_version(),
        "cx_freeze": cx_freeze.__version__,
        "platform": get_platform(),
    }


def main(settings: str, result: str) -> None:
    """Read the settings, freeze, write the result."""
    # Python puts this file's own folder first; none of our modules must be frozen.
    del sys.path[0]
    given = json.loads(Path(settings).read_text("utf-8"))
    sys.path[:0] = [path for path in given["path"] if path not in sys.path]
    try:
        answer = freeze(given)
    except Wrong as error:
        answer = {"wrong": str(error)}
    Path(result).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
