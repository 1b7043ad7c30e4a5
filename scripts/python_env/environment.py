"""Create and cache the application's own virtual environment, with uv.

Of Slipway's, it holds only the tool that the stage runs, so the application's libraries never
conflict with ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.model.kinds.stage import ApplicationStage
from slipway.scripts.python_env.declared.vcs_version import told_version
from slipway.scripts.python_env.interpreter import PROGRAMS, Environment, roots
from slipway.scripts.python_env.pythons import find_python
from slipway.scripts.python_env.requirements import Plan, make_plan, read_pyproject
from slipway.scripts.python_env.uv import call_uv, check_lock, list_versions
from slipway.scripts.report import Report

__all__ = ["IN_USE", "KEPT", "SCHEME", "Environment", "prepare", "python_in", "roots"]

#: Part of every cache key; increment it when environments are built differently.
SCHEME = 1
#: Number of environments kept per machine; one used within a day is kept, it may be in use.
KEPT = 12
IN_USE = 24 * 3600.0
_MARK = ".complete"
_HELD = "constraints.txt"


def prepare(
    source: Path,
    stage: ApplicationStage,
    cache: Path,
    report: Report,
    tools: Sequence[str] = (),
    version: str = "",
) -> Environment:
    """Create the application's environment, or return it from the cache.

    Args:
        source: The project.
        stage: Its Python, extras, groups and requirements files.
        cache: This machine's cache folder.
        report: Receives progress and uv's output.
        tools: Requirements of the stage itself, such as "pytest"; versions from the application's
            own lock satisfy them.
        version: The version of the run, for build backends that would ask git.

    Raises:
        MissingTool: The Python does not exist, or the package index is unreachable.
        WrongInput: The project's own metadata cannot be installed.
    """
    source = source.resolve()
    plan = make_plan(source, stage)
    report.log(f"{plan.told}\n")
    shelf = cache.resolve() / "environments"
    shelf.mkdir(parents=True, exist_ok=True)
    told = told_version(source, read_pyproject(source), version)
    key = _key(source, stage, plan, tools, told)
    folder = shelf / key
    # Imported late: commands that run inside the environment need no lock and start faster.
    from filelock import FileLock

    with FileLock(shelf / f"{key}.lock"):
        # Its base Python may have been removed since.
        if not (folder / _MARK).is_file() or not python_in(folder).exists():
            _make(folder, source, stage, plan, tools, report, told)
        (folder / _MARK).touch()
    _tidy(shelf, folder)
    versions = json.loads((folder / _MARK).read_text("utf-8"))
    return Environment(folder, python_in(folder), source, plan.installed, dict(stage.env), versions)


def python_in(folder: Path) -> Path:
    """Return the path of a virtual environment's Python."""
    return folder / PROGRAMS / ("python.exe" if os.name == "nt" else "python")


def _python_for(stage: ApplicationStage) -> str:
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return stage.python or base


def _key(
    source: Path,
    stage: ApplicationStage,
    plan: Plan,
    tools: Sequence[str],
    told: Mapping[str, str],
) -> str:
    """Hash all inputs of an environment into its cache key."""
    tops = sorted(
        path.name
        for root in roots(source)
        for path in root.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    )
    parts = {
        "scheme": SCHEME,
        "source": str(source),
        "python": _python_for(stage),
        "running": sys.version,
        "platform": platform.platform(),
        "extras": stage.extras,
        "groups": stage.groups,
        "default groups": stage.takes_default_groups,
        "requirements": stage.requirements,
        "tools": list(tools),
        "files": {str(path): _digest(path) for path in plan.files},
        # setuptools records the top-level packages of an editable install only once.
        "packages": tops if plan.installed else [],
    } | ({"told": dict(told)} if told else {})
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make(
    folder: Path,
    source: Path,
    stage: ApplicationStage,
    plan: Plan,
    tools: Sequence[str],
    report: Report,
    told: Mapping[str, str],
) -> None:
    """Create an environment; the marker of completeness is written last, atomically."""
    report.progress("making the application's environment")
    shutil.rmtree(folder, ignore_errors=True)
    python, missing = find_python(_python_for(stage), source)
    calls = [("venv", "--no-project", "--python", python, str(folder)), *plan.calls]
    if tools:
        calls.append(("pip", "install", *tools))
    if plan.locked:
        check_lock(source, folder)
    held: tuple[str, ...] = ()
    for call in calls:
        words = call if call[0] == "venv" else (*call, "--python", str(python_in(folder)))
        words += held if call[:2] == ("pip", "install") else ()
        call_uv(
            words,
            cwd=source,
            folder=folder,
            python=python,
            report=report,
            extra=told,
            missing=missing,
        )
        if call[0] == "venv" and plan.constraints:
            (folder / _HELD).write_text("\n".join(plan.constraints) + "\n", "utf-8")
            held = ("--constraints", str(folder / _HELD))
    mark = json.dumps(list_versions(folder, python_in(folder), source), sort_keys=True)
    (folder / f"{_MARK}.new").write_text(mark, "utf-8")
    (folder / f"{_MARK}.new").replace(folder / _MARK)


def _tidy(shelf: Path, current: Path) -> None:
    """Delete the least recently used environments, but none that may be in use."""
    from filelock import FileLock, Timeout

    marks = [path / _MARK for path in shelf.iterdir() if (path / _MARK).is_file()]
    marks.sort(key=lambda mark: mark.stat().st_mtime, reverse=True)
    for mark in marks[KEPT:]:
        if mark.parent == current or time.time() - mark.stat().st_mtime < IN_USE:
            continue
        try:
            with FileLock(shelf / f"{mark.parent.name}.lock", timeout=0):
                mark.unlink()
                shutil.rmtree(mark.parent, ignore_errors=True)
        except (Timeout, OSError):
            continue
