"""Build the settings of the freeze guest, after checking all files."""

from __future__ import annotations

import difflib
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.model.errors import WrongInput
from slipway.scripts.project_files import files
from slipway.scripts.python_env.environment import roots
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["make_settings"]


def make_settings(source: Path, stage: FreezeStage, name: str, target: Path) -> dict[str, Any]:
    """Build the guest's settings.

    Raises:
        WrongInput: A file is missing, or a target leads out of the frozen program.
    """
    script = _file(source, stage.script, "script")
    folder = script.parent
    # A script imports modules beside it, but a package's modules must not become top-level modules.
    beside = [] if (folder / "__init__.py").exists() else [folder]
    pairs = [_pair(source, entry) for entry in stage.include_files]
    return {
        "script": str(script),
        "name": name,
        "target": str(target),
        "gui": stage.gui,
        "icon": str(_file(source, stage.icon, "icon")) if stage.icon else None,
        "packages": list(stage.packages),
        "includes": list(stage.includes),
        "excludes": list(stage.excludes),
        "include_files": pairs,
        "dialects": None if stage.dialects is None else list(stage.dialects),
        "path": [str(path) for path in dict.fromkeys([*roots(source), *beside])],
    }


def _file(source: Path, name: str, what: str) -> Path:
    path = source / name
    if path.is_file():
        return path.resolve()
    suffix = PurePosixPath(name).suffix or ".py"
    there = [found.relative_to(source).as_posix() for found in files(source, f"*{suffix}")]
    by_name = [one for one in there if PurePosixPath(one).name == PurePosixPath(name).name]
    near = dict.fromkeys([*difflib.get_close_matches(name, there, n=3, cutoff=0.5), *by_name[:3]])
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    msg = f"{what}: {name} is no file in {source}{meant}"
    raise WrongInput(msg)


def _pair(source: Path, entry: str) -> tuple[str, str]:
    """Split "path:target" and check both parts.

    Raises:
        WrongInput: The path is missing, or the target leads out of the frozen program.
    """
    path, colon, target = entry.rpartition(":")
    if not colon:
        path, target = entry, Path(entry).name
    if not (source / path).exists():
        msg = f"include-files: {path} is not in {source}"
        raise WrongInput(msg)
    inner = PurePosixPath(target.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or not inner.parts:
        msg = f'include-files: "{entry}" leads out of the frozen program; targets are relative'
        raise WrongInput(msg)
    return str((source / path).resolve()), str(inner)
