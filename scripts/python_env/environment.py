"""The application's own virtual environment: made by uv, cached by what it is made of.

Nothing of Slipway is in it beyond the tool a stage is about, so the application's libraries never
meet ours.
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
from dataclasses import dataclass, field
from pathlib import Path

from slipway.model.stage import ApplicationStage
from slipway.scripts.python_env.requirements import Plan, make_plan
from slipway.scripts.python_env.uv import call_uv, check_lock, clean_environment, list_versions
from slipway.scripts.report import Report

#: Part of every key: raise it when environments are made in another way than before.
SCHEME = 1
#: How many environments a machine keeps; younger than a day are never removed, they may be in use.
KEPT = 12
IN_USE = 24 * 3600.0
_MARK = ".complete"
_PROGRAMS = "Scripts" if os.name == "nt" else "bin"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that guests run in."""

    folder: Path
    python: Path
    source: Path
    installed: bool = False
    """True: the project itself is installed in it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What the stage's settings add."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of what is in it, by normalised name, and of "python"."""

    def variables(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment variables for a guest.

        Args:
            extra: More variables; the stage's own settings win over them.
        """
        names = clean_environment()
        ours = {Path(sys.prefix) / _PROGRAMS, Path(sys.executable).parent}
        path = [
            entry
            for entry in names.get("PATH", "").split(os.pathsep)
            if entry and (Path(entry) not in ours or sys.prefix == sys.base_prefix)
        ]
        names |= {
            "PATH": os.pathsep.join([str(self.python.parent), *path]),
            "VIRTUAL_ENV": str(self.folder),
            "PYTHONUTF8": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            # Bytecode is kept, but never in the project's folder.
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }
        if not self.installed:
            names["PYTHONPATH"] = os.pathsep.join(str(root) for root in roots(self.source))
        return names | dict(extra or {}) | dict(self.env)


def roots(source: Path) -> list[Path]:
    """Return the folders of a project that its modules are imported from."""
    return [source, *(inner for inner in (source / "src",) if inner.is_dir())]


def prepare(
    source: Path,
    stage: ApplicationStage,
    cache: Path,
    report: Report,
    tools: Sequence[str] = (),
) -> Environment:
    """Return the application's environment, made now or found in the cache.

    Args:
        source: The project.
        stage: Its Python, extras, groups and requirements files.
        cache: This machine's cache folder.
        report: Gets progress and uv's output.
        tools: Requirements of the stage itself, such as "pytest"; what the application's own lock
            brings satisfies them.

    Raises:
        MissingTool: No such Python, or the package index cannot be reached.
        WrongInput: What the project says of itself cannot be installed.
    """
    source = source.resolve()
    plan = make_plan(source, stage)
    shelf = cache.resolve() / "environments"
    shelf.mkdir(parents=True, exist_ok=True)
    key = _key(source, stage, plan, tools)
    folder = shelf / key
    # Whoever is in the environment already needs no lock: not loading it keeps commands quick.
    from filelock import FileLock

    with FileLock(shelf / f"{key}.lock"):
        # The Python it was made of may have been removed since.
        if not (folder / _MARK).is_file() or not python_in(folder).exists():
            _make(folder, source, stage, plan, tools, report)
        (folder / _MARK).touch()
    _tidy(shelf, folder)
    versions = json.loads((folder / _MARK).read_text("utf-8"))
    return Environment(folder, python_in(folder), source, plan.installed, dict(stage.env), versions)


def python_in(folder: Path) -> Path:
    """Return the Python of a virtual environment."""
    return folder / _PROGRAMS / ("python.exe" if os.name == "nt" else "python")


def _python_for(stage: ApplicationStage) -> str:
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return stage.python or base


def _key(source: Path, stage: ApplicationStage, plan: Plan, tools: Sequence[str]) -> str:
    """Hash everything an environment is made of."""
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
        # setuptools writes the top packages of an editable install down once.
        "packages": tops if plan.installed else [],
    }
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
) -> None:
    """Make an environment; the mark that it is whole comes last."""
    report.progress("making the application's environment")
    shutil.rmtree(folder, ignore_errors=True)
    python = _python_for(stage)
    calls = [("venv", "--no-project", "--python", python, str(folder)), *plan.calls]
    if tools:
        calls.append(("pip", "install", *tools))
    if plan.locked:
        check_lock(source, folder)
    for call in calls:
        words = call if call[0] == "venv" else (*call, "--python", str(python_in(folder)))
        call_uv(words, cwd=source, folder=folder, python=python, report=report)
    mark = json.dumps(list_versions(folder, python_in(folder), source), sort_keys=True)
    (folder / f"{_MARK}.new").write_text(mark, "utf-8")
    (folder / f"{_MARK}.new").replace(folder / _MARK)


def _tidy(shelf: Path, current: Path) -> None:
    """Remove the environments that were not used for longest, never one that may be in use."""
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
