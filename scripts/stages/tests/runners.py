"""Run one suite as a guest; its results are read from its XML, or else from its journal."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.protocol.event import TestResult
from slipway.scripts.process import Finished, run
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.tests import junit
from slipway.scripts.stages.tests.django_settings import Django, find_django
from slipway.scripts.stages.tests.journal import Journal, read_journal
from slipway.scripts.stages.tests.problems import OVERTIME, Ended, find_problem
from slipway.scripts.stages.tests.pytest_settings import shield
from slipway.scripts.stages.tests.suites import Planned

__all__ = ["DJANGO_GUEST", "GUEST", "PLUGINS", "Outcome", "argv", "run_suite"]

PLUGINS = Path(__file__).parent / "guest" / "plugins"
DJANGO_GUEST = Path(__file__).parent / "guest" / "django_run.py"
GUEST = Path(__file__).parent / "guest" / "unittest_run.py"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a suite."""

    suite: Planned
    code: int
    seconds: float
    results: list[TestResult] = field(default_factory=list)
    xml: Path | None = None
    problem: str = ""
    """A problem besides single tests; empty if there is none."""
    others: int = 0
    """Number of its tests that other shards run."""
    told: Journal = field(default_factory=Journal)
    """What the runner has told while it ran."""


def run_suite(
    suite: Planned,
    environment: Environment,
    output: Path,
    report: Report,
    part: tuple[int, int] = (1, 1),
    deadline: float | None = None,
) -> Outcome:
    """Run a suite, or one shard of it, to its end.

    Args:
        suite: The suite.
        environment: The application's environment.
        output: The folder for its XML.
        report: Receives the runner's output, and then each result.
        part: Number of the shard, from 1, and the number of shards.
        deadline: The time, by the monotonic clock, at which it is ended. None: whenever it ends.

    Returns:
        Its results, and the problem with them as a whole.
    """
    target, diary = output / f"{suite.name}.xml", output / f"{suite.name}-journal.jsonl"
    for path in (target, diary):
        path.unlink(missing_ok=True)
    began = time.perf_counter()
    counts = output / f"{suite.name}-part.json"
    cut = part[1] > 1
    try:
        finished = run(
            argv(suite, environment, target, cut=cut),
            cwd=environment.source,
            env=_variables(environment, diary, part, counts),
            log=report.log,
            what=suite.name,
            timeout=None if deadline is None else max(1.0, deadline - time.monotonic()),
        )
    except StageFailed as error:
        # Its time is over; the tests that ended have their results.
        finished = Finished(OVERTIME, str(error))
    seconds = time.perf_counter() - began
    told = read_journal(diary, suite.name, environment.source, report.mask, _ending(finished))
    diary.unlink(missing_ok=True)
    results, problem = told.results, ""
    xml = target if target.is_file() else None
    if (
        xml is not None
        and finished.code != OVERTIME
        and (told.code is not None or not told.running)
    ):
        try:
            results = junit.read(target, suite.name, environment.source, report.mask)
        except SlipwayError as error:
            problem = str(error)
    for result in results:
        report.test(result)
    others = _of_others(counts) if cut else 0
    if not problem:
        place = environment.source
        problem = find_problem(
            Ended(suite, finished, told, results, place, others, xml is not None)
        )
    return Outcome(suite, finished.code, seconds, results, xml, problem, others, told)


def _variables(
    environment: Environment, diary: Path, part: tuple[int, int], counts: Path
) -> dict[str, str]:
    """Return the environment of a runner, with our plugins; see guest/plugins."""
    counts.unlink(missing_ok=True)
    env = environment.variables()
    path = [str(PLUGINS), *filter(None, [env.get("PYTHONPATH")])]
    env |= {"PYTHONPATH": os.pathsep.join(path), "SLIPWAY_JOURNAL": str(diary)}
    if part[1] > 1:
        env |= {"SLIPWAY_PART": f"{part[0]}/{part[1]}", "SLIPWAY_PART_TOLD": str(counts)}
    return env


def _ending(finished: Finished) -> str:
    return "was stopped" if finished.code == OVERTIME else finished.ending


def _of_others(counts: Path) -> int:
    """Return the number of tests in other shards, as the runner has reported it."""
    if not counts.is_file():
        return 0
    counted = json.loads(counts.read_text("utf-8"))
    return int(counted["all"]) - int(counted["mine"])


def argv(suite: Planned, environment: Environment, target: Path, *, cut: bool = False) -> list[str]:
    """Return the runner's argument list; it writes JUnit to `target`."""
    python = str(environment.python)
    if suite.runner == "pytest":
        # xunit1, the older of pytest's JUnit families, is the one with file and line.
        ours = [f"--junitxml={target}", "-o", "junit_family=xunit1", "-v", "-p", "slipway_pytest"]
        ours += ["-p", "slipway_shards"] if cut else []
        ours += shield(environment.source, target.parent, suite.arguments)
        return [python, "-m", "pytest", *ours, *suite.arguments]
    if suite.runner == "nose2":
        ours = ["--plugin", "nose2.plugins.junitxml", "--junit-xml", "--junit-xml-path"]
        ours += [str(target), "--plugin", "slipway_nose2"]
        ours += ["--plugin", "slipway_shards"] if cut else []
        return [python, "-m", "nose2", "-v", *ours, *suite.arguments]
    if suite.runner == "django":
        django = find_django(environment.source) or Django()
        words = [str(DJANGO_GUEST), str(target), django.manage, django.settings]
        return [python, *words, *suite.arguments]
    return [python, str(GUEST), str(target), *suite.arguments]
