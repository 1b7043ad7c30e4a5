"""Plan the uv calls that install an application's requirements."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.model.errors import WrongInput
from slipway.scripts.python_env.declared import poetry, setuptools_files
from slipway.scripts.python_env.declared.looking import PLACES, look, pinned, places_in
from slipway.scripts.python_env.declared.model import Declared, Role, table, texts

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
    constraints: tuple[str, ...] = ()
    """Versions from a lock of Poetry or Pipenv, which the calls of pip are held to."""
    told: str = ""
    """A sentence about what is installed, and what it was found by."""


def make_plan(source: Path, stage: ApplicationStage) -> Plan:
    """Plan an application's installation from all places where the project says what it needs.

    Args:
        source: The project.
        stage: Its extras, groups and requirements files. Without any of them, a stage for
            developers also gets what is meant for tests.

    Raises:
        WrongInput: A file is invalid or missing.
    """
    data = read_pyproject(source)
    listed = tuple(_requirements_file(source, name) for name in stage.requirements)
    found = look(source, data)
    extra = _for_tests(found) if _looks(stage) else []
    deciding = tuple(source / name for name in DECIDING if (source / name).is_file())
    files = tuple(dict.fromkeys((*deciding, *listed, *places_in(source))))
    more = [word for path in listed for word in ("--requirements", str(path))]
    package = is_package(source, data)
    if (source / "uv.lock").is_file():
        wanted = _loose(extra)
        calls = (_sync(data, stage, extra), *((_pip(*more, *wanted),) if more or wanted else ()))
        told = _told(["uv.lock"], extra, stage)
        return Plan(calls, package, files, locked=True, told=told)
    base = [] if listed and "project" not in data and not package else _main(data, found)
    if package:
        names = dict.fromkeys((*stage.extras, *(one.extra for one in extra if one.extra)))
        chosen = f"[{','.join(names)}]" if names else ""
        words = ["--editable", f".{chosen}"]
        base = [one for one in base if one.file is not None]
        places = ["the project itself", *(one.where for one in base)]
    elif "project" in data:
        names = dict.fromkeys((*stage.extras, *(one.extra for one in extra if one.extra)))
        words = ["--requirements", "pyproject.toml", *(f"--extra={name}" for name in names)]
        places = ["[project]", *(one.where for one in base)]
    else:
        _refuse_extras(source, stage)
        words, places = [], [one.where for one in base]
    words += [*more, *_groups(data, stage, extra), *_loose([*base, *extra])]
    told = _told([*places, *stage.requirements], extra, stage)
    calls = (_pip(*words),) if words else ()
    return Plan(calls, package, files, constraints=pinned(source), told=told)


def _looks(stage: ApplicationStage) -> bool:
    """Return True if what tests need is to be found by looking."""
    named = stage.extras or stage.requirements or stage.groups is not None
    return stage.takes_default_groups and not named


def _for_tests(found: list[Declared]) -> list[Declared]:
    """Return what is meant for those who run the tests, each thing once."""
    known = {one.extra for one in found if not one.weak}
    wanted = [one for one in found if one.role is Role.TESTS and not one.weak]
    if not wanted:
        weak = (one for one in found if one.role is Role.TESTS)
        # An extra that the project does not have is a slip in tox.ini, which tox passes over.
        wanted = [one for one in weak if not one.extra or one.extra in known]
    return list({one.file or one.extra or one.group or one.where: one for one in wanted}.values())


def _main(data: dict[str, Any], found: list[Declared]) -> list[Declared]:
    """Return what the application itself needs, where no build of it says so."""
    main = [one for one in found if one.role is Role.MAIN and "[project]" not in one.where]
    project = table(data, "project")
    if "dependencies" in project or "dependencies" in texts(project.get("dynamic")):
        return []
    return [] if poetry.is_package(data) and "build-system" in data else main


def _loose(found: list[Declared]) -> list[str]:
    """Return the arguments for what is neither an extra nor a group of the project."""
    words: list[str] = []
    for one in found:
        if one.file is not None:
            words += ["--requirements", str(one.file)]
        elif not one.extra and not one.group:
            words += one.requirements
    return words


def _told(places: list[str], extra: list[Declared], stage: ApplicationStage) -> str:
    named = [*(f"extra {name}" for name in stage.extras), *(one.where for one in extra)]
    everything = list(dict.fromkeys([*places, *named]))
    if not everything:
        return f"nothing is installed: no requirement was found in {PLACES}"
    return f"installed: {', '.join(everything)}"


def _refuse_extras(source: Path, stage: ApplicationStage) -> None:
    if stage.extras:
        msg = (
            f"extras {', '.join(stage.extras)} are asked for, "
            f"but {source} has no pyproject.toml with a [project] table"
        )
        raise WrongInput(msg)


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
    """Return True if a project can be installed as a package.

    By uv's own rule where there is a [project] table; else if setup.py or a [build-system] can
    build one of what Poetry's table, Flit's or setup.cfg says.
    """
    setting = data.get("tool", {}).get("uv", {}).get("package")
    if setting is not None:
        return bool(setting)
    if "project" in data:
        return "build-system" in data
    if (source / "setup.py").is_file():
        return True
    described = poetry.is_package(data) or table(data, "tool", "flit", "metadata")
    return "build-system" in data and bool(described or setuptools_files.is_described(source))


def _sync(data: dict[str, Any], stage: ApplicationStage, extra: list[Declared]) -> tuple[str, ...]:
    names: list[str] = list(stage.extras)
    groups: list[str] = []
    default = table(data, "tool", "uv").get("default-groups", ["dev"])
    # Extras or groups that exclude each other cannot all be taken; which, only the user knows.
    if not table(data, "tool", "uv").get("conflicts"):
        names += [one.extra for one in extra if one.extra and "[project]" in one.where]
        looked = [one.group for one in extra if one.group and one.group not in default]
        groups = [f"--group={name}" for name in looked]
    if stage.groups is not None:
        groups = ["--no-default-groups", *(f"--group={group}" for group in stage.groups)]
    elif not stage.takes_default_groups:
        groups = ["--no-default-groups"]
    extras = (f"--extra={name}" for name in dict.fromkeys(names))
    return ("sync", "--frozen", "--inexact", *extras, *groups)


def _pip(*wanted: str) -> tuple[str, ...]:
    return ("pip", "install", *wanted)


def _groups(
    data: dict[str, Any], stage: ApplicationStage, extra: list[Declared]
) -> tuple[str, ...]:
    """Return uv's arguments for the dependency groups of a project without a lock.

    Raises:
        WrongInput: The project has no such group.
    """
    there = data.get("dependency-groups", {})
    groups = stage.groups
    if groups is None:
        default = data.get("tool", {}).get("uv", {}).get("default-groups", ["dev"])
        default = tuple(there) if default == "all" else default
        looked = [one.group for one in extra if one.group]
        groups = tuple(dict.fromkeys([*(name for name in default if name in there), *looked]))
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
