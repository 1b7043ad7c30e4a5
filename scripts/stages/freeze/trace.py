"""Run the unfrozen program and its tests once, and record what they use."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from slipway.model.errors import SlipwayError, StageFailed, Stopped
from slipway.model.kinds.stage import ApplicationStage
from slipway.scripts.process import run as run_program
from slipway.scripts.python_env.environment import Environment, prepare, roots
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.learned import (
    IN_TESTS,
    Learned,
    learn_from_output,
    read_trace,
)
from slipway.scripts.stages.freeze.programs import Program
from slipway.scripts.stages.freeze.smoke_runs import Heard, Start, words_of
from slipway.scripts.stages.freeze.stage import FreezeStage
from slipway.scripts.virtual_display import drawn_nowhere

__all__ = ["Unfrozen", "run_unfrozen", "trace_tests"]

_TRACING = Path(__file__).parent / "guest" / "tracing"
#: Seconds that a program gets to end by itself, without its frozen parts in the file cache.
_PATIENCE = 20.0
_TESTS_PATIENCE = 900.0
#: Variables of a person's terminal and language, which frozen programs are started without: what
#: the two say is compared.
_OF_TERMINALS = ("LANG", "LC_", "COLUMNS", "LINES", "FORCE_COLOR", "CLICOLOR")
#: Runs pytest on a copy of the project, which comes before the project as it is installed, but, as
#: that, after the standard library.
_PYTEST = """
import json, sys
first = json.loads(sys.argv.pop())
sys.path[:] = [path for path in sys.path if path]
at = [path.endswith("site-packages") for path in sys.path].index(True)
sys.path[at:at] = first
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider"]))
"""
#: All passed, some failed, there are none.
_PYTEST_ENDED = {0, 1, 5}
_NOT_COPIED = (".git", ".venv", "venv", ".slipway", "node_modules", "__pycache__", ".tox", ".nox")


class _TestedStage(ApplicationStage):
    """The environment that the application's tests need."""

    takes_default_groups: ClassVar[bool] = True


@dataclass(frozen=True)
class Unfrozen:
    """What the unfrozen program did, and used."""

    starts: tuple[Start, ...]
    learned: Learned


def run_unfrozen(
    starts: Sequence[Start],
    programs: Sequence[Program],
    scripts: Mapping[str, Path],
    environment: Environment,
    log: Callable[[str], None],
) -> Unfrozen:
    """Run the smoke runs without freezing: what is used, and how they end.

    Args:
        starts: The runs.
        programs: The programs.
        scripts: The script that starts each program.
        environment: The application's environment.
        log: Receives the output.

    Returns:
        The runs, those whose end is not prescribed with the end they have here; and what was used.
    """
    learned, ended = Learned(), []
    windowed = {program.name for program in programs if program.gui}
    with (
        tempfile.TemporaryDirectory(prefix="slipway-trace-") as name,
        drawn_nowhere(environment.folder, gui=bool(windowed)) as drawing,
    ):
        for number, start in enumerate(starts):
            record = Path(name, f"trace-{number}")
            folder = Path(name, f"empty-{number}")
            folder.mkdir()
            env = _traced(environment, record)
            for variable in [one for one in env if one.startswith(_OF_TERMINALS)]:
                del env[variable]
            if start.program in windowed:
                env |= drawing
            script = scripts[start.program]
            words: list[str | Path] = [environment.python, script, *start.arguments]
            began = time.perf_counter()
            code, said = _ending(words, folder, env, log, start)
            if code is not None:
                took = time.perf_counter() - began
                start = replace(start, unfrozen_seconds=took)  # noqa: PLW2901
            if start.as_unfrozen:
                lacks = bool(learn_from_output(said, ""))
                start = replace(start, code=code, lacks_nothing=not lacks)  # noqa: PLW2901
                if start.arguments and code == 0:
                    # Of its own name, which usage lines begin with, it has another one frozen.
                    own = words_of(f"{script.name} {script.stem}")
                    start = replace(start, words=words_of(said) - own)  # noqa: PLW2901
            ended.append(start)
            learned.add(read_trace(record, start.reason))
    return Unfrozen(tuple(ended), learned)


def _ending(
    words: Sequence[str | Path],
    folder: Path,
    env: Mapping[str, str],
    log: Callable[[str], None],
    start: Start,
) -> tuple[int | None, str]:
    """Run the program; return its exit code (None: it goes on), and what it said."""
    what = f"`{start.command}`, unfrozen,"
    heard = Heard(log)
    try:
        done = run_program(words, cwd=folder, env=env, log=heard, timeout=_PATIENCE, what=what)
    except StageFailed:
        return None, heard.text
    return done.code, heard.text


def _traced(environment: Environment, record: Path) -> dict[str, str]:
    env = environment.variables({"SLIPWAY_TRACE": str(record)})
    path = [str(_TRACING), *filter(None, [env.get("PYTHONPATH")])]
    return env | {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}


def trace_tests(source: Path, stage: FreezeStage, cache: Path, report: Report) -> Learned:
    """Run the application's tests in their own environment, and return what they use.

    How they end does not matter here: a stage of the kind `tests` judges them.

    Args:
        source: The project.
        stage: Its Python, extras and requirements.
        cache: This machine's cache folder.
        report: Receives the output.
    """
    if not _has_tests(source):
        return Learned()
    keys = ("python", "extras", "groups", "requirements", "env")
    stage_of_tests = _TestedStage(uses="freeze", **{key: getattr(stage, key) for key in keys})
    report.progress("tracing the tests, once")
    with tempfile.TemporaryDirectory(prefix="slipway-trace-") as name:
        record, copy = Path(name, "trace"), Path(name, "copy")
        left_out = shutil.ignore_patterns(*_NOT_COPIED)
        try:
            # Tests write, and delete, where they run: that must not be frozen.
            shutil.copytree(source, copy, symlinks=True, ignore=left_out)
            environment = prepare(source, stage_of_tests, cache, report, tools=["pytest"])
            env = _traced(environment, record)
            env["PYTHONPATH"] = str(_TRACING)
            done = run_program(
                [environment.python, "-c", _PYTEST, json.dumps([str(one) for one in roots(copy)])],
                cwd=copy,
                env=env,
                log=report.log,
                timeout=_TESTS_PATIENCE,
                what="the traced tests",
            )
            problem = "" if done.code in _PYTEST_ENDED else f"pytest ended with {done.code}"
        except Stopped:
            raise
        except (SlipwayError, OSError) as error:
            problem = str(error)
        if problem:
            text = f"what the tests use was not learned to the end: {problem}; see the log"
            report.notice(text, level="warning")
        return read_trace(record, IN_TESTS, moved=(copy, source))


def _has_tests(source: Path) -> bool:
    return (
        (source / "tests").is_dir() or (source / "test").is_dir() or any(source.glob("test_*.py"))
    )
