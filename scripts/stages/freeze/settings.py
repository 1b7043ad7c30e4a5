"""Build the settings of the freeze guest, after checking all files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.model.errors import WrongInput
from slipway.scripts.python_env.environment import roots
from slipway.scripts.stages.freeze.programs import (
    Program,
    code_name,
    find_file,
    own_packages,
)
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["make_settings"]


def make_settings(
    source: Path, stage: FreezeStage, programs: Sequence[Program], target: Path
) -> dict[str, Any]:
    """Build the guest's settings, but for the scripts of the programs and what was learned.

    Args:
        source: The project.
        stage: Its settings.
        programs: What is frozen.
        target: The folder for the frozen tree.

    Raises:
        WrongInput: A file is missing, or a target leads out of the frozen program.
    """
    # A script imports modules beside it, but a package's modules must not become top-level modules.
    beside = [program.script.parent for program in programs if program.script is not None]
    modules = [program.module for program in programs if program.module is not None]
    names = [program.name for program in programs]
    taken = [*names, *(f"{name}.exe" for name in names)]
    pairs = [_pair(source, entry, taken) for entry in stage.include_files]
    return {
        "source": str(source),
        "target": str(target),
        "icon": str(find_file(source, stage.icon, "icon")) if stage.icon else None,
        "packages": list(stage.packages),
        "includes": list(stage.includes),
        "excludes": list(stage.excludes),
        "modules": modules,
        "codes": {code_name(one): str(one.script) for one in programs if one.script is not None},
        "own": own_packages(source),
        "include_files": pairs,
        "metadata": list(stage.metadata),
        "dialects": None if stage.dialects is None else list(stage.dialects),
        # As Python searches: beside a script first, the project's own folders last, as a file in
        # them must not hide the standard library's.
        "beside": [str(path) for path in dict.fromkeys(beside)],
        "path": [str(path) for path in roots(source)],
    }


def _pair(source: Path, entry: str, taken: Sequence[str]) -> tuple[str, str]:
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
    if source.resolve() not in (source / path).resolve().parents:
        msg = f"include-files: {path} leads out of {source}; only the project's own are frozen"
        raise WrongInput(msg)
    inner = PurePosixPath(target.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or not inner.parts:
        msg = f'include-files: "{entry}" leads out of the frozen program; targets are relative'
        raise WrongInput(msg)
    if str(inner).lower() in {"lib", *(name.lower() for name in taken)}:
        msg = f'include-files: "{entry}": {inner} is what cx_Freeze itself writes; choose another'
        raise WrongInput(msg)
    return str((source / path).resolve()), str(inner)
