"""Determine a project's test suites from the stage's settings or the project's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipway.model.errors import StageFailed
from slipway.scripts.project_files import files
from slipway.scripts.python_env.declared.looking import look
from slipway.scripts.python_env.declared.model import name_of
from slipway.scripts.python_env.requirements import read_pyproject
from slipway.scripts.stages.tests.django_settings import Django, find_django
from slipway.scripts.stages.tests.pytest_settings import has_patterns, options_of, pytest_hint
from slipway.scripts.stages.tests.stage import TestsStage
from slipway.scripts.stages.tests.written_tests import PATTERNS, TestFile, look_into

__all__ = [
    "BY_NAME",
    "Planned",
    "Runner",
    "configured",
    "find",
    "guess",
    "requirement_names",
]

Runner = Literal["pytest", "nose2", "unittest", "django"]

#: The names of files that each runner looks into, unless its settings say others.
BY_NAME = {
    "pytest": ("test_*.py", "*_test.py"),
    "nose2": ("test*.py",),
    "unittest": ("test*.py",),
    "django": ("test*.py",),
}


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
    """Find suites from what the project configures, requires, and what its tests are.

    Args:
        source: The project.

    Returns:
        A suite for pytest and one for nose2, each only if something speaks for it. None: all tests
        are classes of unittest, or there are none.
    """
    data = read_pyproject(source)
    needed = requirement_names(source, data)
    looked = look_into(source)
    if any(one.django for one in looked) and (django := find_django(source)):
        return [_of_django(source, data, needed, looked, django)]
    found: list[Planned] = []
    nose2 = _nose2_hint(source, data) or ("nose2 in the dependencies" * ("nose2" in needed))
    pytest = pytest_hint(source, data) or ("pytest in the dependencies" * ("pytest" in needed))
    if pytest:
        found.append(Planned("pytest", "pytest", why=pytest))
    elif why := _by_tests(source, looked, functions=not nose2):
        found.append(Planned("pytest", "pytest", _also(looked), why=why))
    if nose2:
        found.append(Planned("nose2", "nose2", why=nose2))
    return found


def _of_django(
    source: Path,
    data: Mapping[str, Any],
    needed: set[str],
    looked: list[TestFile],
    django: Django,
) -> Planned:
    """Return the suite of a Django project: pytest where it is prepared for that, else Django's."""
    by_pytest = "pytest-django" in needed or "DJANGO_SETTINGS_MODULE" in options_of(source)
    written = _by_tests(source, [one for one in looked if one.pytest or one.fixtures])
    if not by_pytest and not (written and pytest_hint(source, data)):
        return Planned("django", "django", why=f"tests for Django, {django.why}")
    arguments: tuple[str, ...] = ()
    if django.settings and "DJANGO_SETTINGS_MODULE" not in options_of(source):
        arguments = (f"--ds={django.settings}",)
    if not has_patterns(source):
        arguments = (*_also(looked), *arguments)
    return Planned("pytest", "pytest", arguments, why=f"pytest-django, {django.why}")


def _by_tests(source: Path, looked: list[TestFile], *, functions: bool = True) -> str:
    """Return why the tests themselves need pytest; empty if they do not.

    Args:
        source: The project.
        looked: Its test files.
        functions: Whether functions and plain classes speak for pytest: nose2 runs them, too.
    """
    for one in looked:
        name = one.path.relative_to(source).as_posix()
        if one.pytest or (functions and one.fixtures):
            return f"{name} is written for pytest"
        if functions and one.functions:
            return f"unittest would not find {one.functions} in {name}"
        if functions and not one.is_named(*BY_NAME["unittest"]):
            return f"unittest would not look into {name}"
    return ""


def _also(looked: list[TestFile]) -> tuple[str, ...]:
    """Return arguments that let pytest look into files of all names with tests."""
    if all(one.is_named(*BY_NAME["pytest"]) for one in looked):
        return ()
    return ("-o", f"python_files={' '.join(PATTERNS)}")


def guess(source: Path, versions: Mapping[str, str]) -> list[Planned]:
    """Choose a runner for a project whose tests need neither pytest nor nose2.

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
        looked = look_into(source)
        return [Planned("pytest", "pytest", _also(looked), why="pytest is in the environment")]
    return [Planned("unittest", "unittest", why="all tests are classes of unittest")]


def requirement_names(source: Path, data: Mapping[str, Any]) -> set[str]:
    """Return the names of all packages that a project requires, wherever it says so."""
    return {name_of(text) for one in look(source, data) for text in one.requirements} - {""}


def _nose2_hint(source: Path, data: Mapping[str, Any]) -> str:
    for name in ("unittest.cfg", "nose2.cfg"):
        if (source / name).is_file():
            return name
    return "[tool.nose2] in pyproject.toml" if "nose2" in data.get("tool", {}) else ""
