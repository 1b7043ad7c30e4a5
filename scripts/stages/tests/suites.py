"""Determine a project's test suites from the stage's settings or the project's files."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipway.model.errors import StageFailed
from slipway.scripts.project_files import files
from slipway.scripts.python_env.requirements import read_pyproject
from slipway.scripts.stages.tests.stage import TestsStage

__all__ = ["PATTERNS", "Planned", "Runner", "configured", "find", "guess", "requirement_names"]

Runner = Literal["pytest", "nose2", "unittest"]

#: Patterns of test files, for any runner.
PATTERNS = ("test*.py", "*_test.py")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True)
class Planned:
    """A suite to run."""

    name: str
    runner: Runner
    arguments: tuple[str, ...] = ()
    why: str = "the stage's settings name it"


def configured(stage: TestsStage) -> list[Planned]:
    """Return the suites of a stage's settings, each with a unique name."""
    planned: list[Planned] = []
    for suite in stage.suites:
        called = suite.name or suite.runner
        taken = {other.name for other in planned}
        number = 2
        while called in taken:
            called = f"{suite.name or suite.runner}-{number}"
            number += 1
        planned.append(Planned(called, suite.runner, suite.arguments))
    return planned


def find(source: Path) -> list[Planned]:
    """Find suites from the project's configuration and requirements.

    Args:
        source: The project.

    Returns:
        A suite for pytest and one for nose2, each only if a file mentions it.
    """
    data = read_pyproject(source)
    needed = requirement_names(source, data)
    found: list[Planned] = []
    pytest = _pytest_hint(source, data) or ("pytest in the dependencies" * ("pytest" in needed))
    if pytest:
        found.append(Planned("pytest", "pytest", why=pytest))
    nose2 = _nose2_hint(source, data) or ("nose2 in the dependencies" * ("nose2" in needed))
    if nose2:
        found.append(Planned("nose2", "nose2", why=nose2))
    return found


def guess(source: Path, versions: Mapping[str, str]) -> list[Planned]:
    """Choose a runner for a project with test files that mentions no runner.

    Args:
        source: The project.
        versions: The packages in its environment.

    Raises:
        StageFailed: There is no test file either.
    """
    if next(files(source, *PATTERNS), None) is None:
        msg = (
            f"found no test in {source}: no setting of pytest or nose2 and no file named "
            f"{' or '.join(PATTERNS)}; add tests, name them in the stage's suites, "
            "or take the stage out of the pipeline"
        )
        raise StageFailed(msg)
    if "pytest" in versions:
        return [Planned("pytest", "pytest", why="pytest is in the environment")]
    return [Planned("unittest", "unittest", why="there are test files and no other runner")]


def requirement_names(source: Path, data: Mapping[str, Any]) -> set[str]:
    """Return the names of all packages a project requires, in any group or extra."""
    project = data.get("project", {})
    lists = [
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *data.get("dependency-groups", {}).values(),
        *(path.read_text("utf-8", "replace").splitlines() for path in source.glob("*req*.txt")),
    ]
    matches = (_REQUIREMENT.match(line) for lines in lists for line in lines if _is_text(line))
    return {match[1].lower() for match in matches if match}


def _is_text(line: object) -> bool:
    return isinstance(line, str)


def _pytest_hint(source: Path, data: Mapping[str, Any]) -> str:
    for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"):
        if (source / name).is_file():
            return name
    if "pytest" in data.get("tool", {}):
        return "[tool.pytest] in pyproject.toml"
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if _has_section(source / name, section):
            return f"[{section}] in {name}"
    conftest = next(files(source, "conftest.py"), None)
    return conftest.relative_to(source).as_posix() if conftest else ""


def _nose2_hint(source: Path, data: Mapping[str, Any]) -> str:
    for name in ("unittest.cfg", "nose2.cfg"):
        if (source / name).is_file():
            return name
    return "[tool.nose2] in pyproject.toml" if "nose2" in data.get("tool", {}) else ""


def _has_section(path: Path, section: str) -> bool:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return False
    return parser.has_section(section)
