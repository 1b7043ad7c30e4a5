"""Freeze programs inside the application's Python, with the standard library and cx_Freeze only.

Usage: python run.py SETTINGS.json RESULT.json

The result describes the frozen programs and their missing modules, or holds "wrong": a sentence
about the settings.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from platform import python_version
from sysconfig import get_platform
from typing import Any

from .additions import Additions
from .dialects import SQLALCHEMY, Wrong, dialect_packages
from .found import there
from .own import own_modules, refreeze
from .places import Places, watch_imports
from .steady import write_steadily

__all__ = [
    "CALLERS",
    "WINDOWS_RUNTIME",
    "check_modules",
    "freeze",
    "main",
    "missing",
]

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
    for name in settings["modules"]:
        top = name.partition(".")[0]
        if not there(name):
            msg = (
                f'entry: there is no module "{name}" in the application\'s environment; mend the '
                "name, or name what it belongs to in the dependencies or extras"
            )
            raise Wrong(msg)
        left_out = {name, top}.intersection(settings["excludes"])
        if left_out:
            msg = f"excludes: {min(left_out)} is what the program itself is in; take it out"
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


def _date(settings: dict[str, Any]) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(settings["epoch"]))


def freeze(settings: dict[str, Any]) -> dict[str, Any]:
    """Freeze the programs and return the facts of them.

    Raises:
        Wrong: The settings are wrong.
    """
    cx_freeze = import_module("cx_Freeze")
    check_modules(settings)
    extra = dialect_packages(settings["dialects"])
    executables = [
        cx_freeze.Executable(
            program["script"],
            target_name=program["name"],
            base="gui" if program["gui"] else None,
            icon=settings["icon"],
        )
        for program in settings["programs"]
    ]
    # Without a % this time format is a constant: the commit's time instead of the current one.
    date = _date(settings)
    asked = [*settings["includes"], *settings["modules"]]
    write_steadily(import_module("cx_Freeze.freezer"))
    askers = watch_imports(import_module("cx_Freeze.finder").ModuleFinder)
    tests = [f"{name}.{part}" for name in settings["own"] for part in ("tests", "test")]
    freezer = cx_freeze.Freezer(
        executables,
        cx_freeze.ConstantsModule(time_format=date),
        includes=[*asked, *(name for name in extra if name in SQLALCHEMY)],
        packages=[*settings["packages"], *(name for name in extra if name not in SQLALCHEMY)],
        excludes=[*settings["excludes"], *tests],
        include_files=[tuple(pair) for pair in settings["include_files"]],
        path=sys.path,
        target_dir=settings["target"],
        replace_paths=[("*", "")],
        bin_includes=list(WINDOWS_RUNTIME) if sys.platform == "win32" else [],
        include_msvcr=False,
        silent=3,
    )
    additions = Additions(settings, freezer)
    places = Places(freezer, askers, settings["source"])
    additions.add()
    checked = additions.checked()
    freezer.freeze()
    additions.prune()
    found = places.found()
    return {
        "executables": [executable.target_name for executable in executables],
        "missing": missing(getattr(freezer.finder, "_bad_modules", {})),
        "dialects": [name for name in extra if name not in SQLALCHEMY],
        "added": additions.made,
        "checked": checked,
        "python": python_version(),
        "cx_freeze": cx_freeze.__version__,
        "platform": get_platform(),
        "places": found,
        "own": own_modules(freezer, settings, found["site"]),
    }


def main(settings: str, result: str) -> None:
    """Read the settings, freeze, write the result."""
    # Python puts this file's own folder first; none of our modules must be frozen.
    del sys.path[0]
    given = json.loads(Path(settings).read_text("utf-8"))
    if "again" in given:
        answer = refreeze(given["again"] | {"date": _date(given)})
        Path(result).write_text(json.dumps(answer), "utf-8")
        return
    sys.path[:0] = given["beside"]
    sys.path.extend(path for path in given["path"] if path not in sys.path)
    try:
        answer = freeze(given)
    except Wrong as error:
        answer = {"wrong": str(error)}
    Path(result).write_text(json.dumps(answer), "utf-8")
