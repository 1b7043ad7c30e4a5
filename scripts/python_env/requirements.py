"""Plan the uv calls that install an application's requirements."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.model.errors import WrongInput

if TYPE_CHECKING:
    from slipway.model.kinds.stage import ApplicationStage

__all__ = ["DECIDING", "Plan", "is_package", "make_plan", "read_pyproject"]

#: Files that determine the installation; a change in one makes a new environment.
DECIDING = ("uv.lock", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")


@dataclass(frozen=True)
class Plan:
    """The calls that fill an environment, and their inputs."""

    calls: tuple[tuple[str, ...], ...]
    """Argument lists of uv, in order."""
    installed: bool
    """True: the project itself is installed (editable), so no PYTHONPATH is needed."""
    files: tuple[Path, ...]
    """Files that the plan depends on."""
    locked: bool = False


def make_plan(source: Path, stage: ApplicationStage) -> Plan:
    """Plan an application's installation from its lock, pyproject.toml, setup.py or requirements.

    Args:
        source: The project.
        stage: Its extras, groups and requirements files.

    Raises:
        WrongInput: A file is invalid or missing.
    """
    data = read_pyproject(source)
    listed = tuple(_requirements_file(source, name) for name in stage.requirements)
    deciding = tuple(source / name for name in DECIDING if (source / name).is_file())
    files = (*deciding, *(path for path in listed if path not in deciding))
    more = tuple(word for path in listed for word in ("--requirements", str(path)))
    package = is_package(source, data)
    if (source / "uv.lock").is_file():
        calls = (_sync(stage), *((_pip(*more),) if more else ()))
        return Plan(calls, package, files, locked=True)
    if package:
        extras = f"[{','.join(stage.extras)}]" if stage.extras else ""
        wanted = ("--editable", f".{extras}", *_groups(data, stage), *more)
        return Plan((_pip(*wanted),), installed=True, files=files)
    if "project" in data:
        extras_of = tuple(f"--extra={extra}" for extra in stage.extras)
        wanted = ("--requirements", "pyproject.toml", *extras_of, *_groups(data, stage), *more)
        return Plan((_pip(*wanted),), installed=False, files=files)
    if stage.extras:
        msg = (
            f"extras {', '.join(stage.extras)} are asked for, "
            f"but {source} has no pyproject.toml with a [project] table"
        )
        raise WrongInput(msg)
    if not more and (source / "requirements.txt").is_file():
        more = ("--requirements", "requirements.txt")
    more = (*more, *_groups(data, stage))
    return Plan((_pip(*more),) if more else (), installed=False, files=files)


def read_pyproject(source: Path) -> dict[str, Any]:
    """Read a project's pyproject.toml; an empty dict if there is none.

    Raises:
        WrongInput: It is not valid TOML.
    """
    path = source / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: is no valid TOML: {error}"
        raise WrongInput(msg) from None


def is_package(source: Path, data: dict[str, Any]) -> bool:
    """Return True if a project is installable as a package, by uv's own rule."""
    setting = data.get("tool", {}).get("uv", {}).get("package")
    if setting is not None:
        return bool(setting)
    if "project" in data:
        return "build-system" in data
    return (source / "setup.py").is_file()


def _sync(stage: ApplicationStage) -> tuple[str, ...]:
    extras = tuple(f"--extra={extra}" for extra in stage.extras)
    groups: tuple[str, ...] = ()
    if stage.groups is not None:
        groups = ("--no-default-groups", *(f"--group={group}" for group in stage.groups))
    elif not stage.takes_default_groups:
        groups = ("--no-default-groups",)
    return ("sync", "--frozen", "--inexact", *extras, *groups)


def _pip(*wanted: str) -> tuple[str, ...]:
    return ("pip", "install", *wanted)


def _groups(data: dict[str, Any], stage: ApplicationStage) -> tuple[str, ...]:
    """Return uv's arguments for the dependency groups of a project without a lock.

    Raises:
        WrongInput: The project has no such group.
    """
    there = data.get("dependency-groups", {})
    groups = stage.groups
    if groups is None:
        default = data.get("tool", {}).get("uv", {}).get("default-groups", ["dev"])
        default = tuple(there) if default == "all" else default
        groups = tuple(name for name in default if name in there)
        groups = groups if stage.takes_default_groups else ()
    for name in groups:
        if name not in there:
            known = ", ".join(there) or "none"
            msg = f'the project has no dependency group "{name}"; there are: {known}'
            raise WrongInput(msg)
    return tuple(f"--group={name}" for name in groups)


def _requirements_file(source: Path, name: str) -> Path:
    path = source / name
    if path.is_file():
        return path
    there = [str(found.relative_to(source)) for found in source.glob("*req*")]
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.4) or there[:3]
    meant = f"; there are: {', '.join(near)}" if near else ""
    msg = f"requirements file {name} is not in {source}{meant}"
    raise WrongInput(msg)
