"""Run one suite as a guest, and judge it by both its exit code and its results."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.model.protocol.event import TestResult
from slipway.scripts.process import Finished, run
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.tests import junit
from slipway.scripts.stages.tests.suites import Planned

__all__ = ["GUEST", "SHARDS", "Outcome", "argv", "run_suite"]

SHARDS = Path(__file__).parent / "guest" / "shards"
GUEST = Path(__file__).parent / "guest" / "unittest_run.py"
#: Exit codes of runners that found no tests: nose2 and old versions of unittest report success.
_NONE_RAN = (0, 5)
_LAST_LINES = 5
_SEARCHED = {
    "pytest": "functions test_* and classes Test* in files test_*.py and *_test.py",
    "nose2": "functions test* and unittest.TestCase classes in files test*.py",
    "unittest": "unittest.TestCase classes in files test*.py",
}


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


def run_suite(
    suite: Planned,
    environment: Environment,
    output: Path,
    report: Report,
    part: tuple[int, int] = (1, 1),
) -> Outcome:
    """Run a suite, or one shard of it, to its end.

    Args:
        suite: The suite.
        environment: The application's environment.
        output: The folder for its XML.
        report: Receives the runner's output, and then each result.
        part: Number of the shard, from 1, and the number of shards.

    Returns:
        Its results, and the problem with them as a whole.
    """
    target = output / f"{suite.name}.xml"
    target.unlink(missing_ok=True)
    began = time.perf_counter()
    counts = output / f"{suite.name}-part.json"
    cut = part[1] > 1
    finished = run(
        argv(suite, environment, target, cut=cut),
        cwd=environment.source,
        env=_variables(environment, part, counts) if cut else environment.variables(),
        log=report.log,
        what=suite.name,
    )
    seconds = time.perf_counter() - began
    if not target.is_file():
        problem = _broke_off(suite, finished)
        return Outcome(suite, finished.code, seconds, problem=problem)
    try:
        results = junit.read(target, suite.name, environment.source, report.mask)
    except SlipwayError as error:
        return Outcome(suite, finished.code, seconds, xml=target, problem=str(error))
    for result in results:
        report.test(result)
    others = _of_others(counts) if cut else 0
    problem = _problem(suite, finished, results, environment.source, others)
    return Outcome(suite, finished.code, seconds, results, target, problem, others)


def _variables(environment: Environment, part: tuple[int, int], counts: Path) -> dict[str, str]:
    """Return the environment of a runner for one shard; see guest/shards."""
    counts.unlink(missing_ok=True)
    env = environment.variables()
    path = [str(SHARDS), *filter(None, [env.get("PYTHONPATH")])]
    return env | {
        "PYTHONPATH": os.pathsep.join(path),
        "SLIPWAY_PART": f"{part[0]}/{part[1]}",
        "SLIPWAY_PART_TOLD": str(counts),
    }


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
        ours = [f"--junitxml={target}", "-o", "junit_family=xunit1", "-v"]
        ours += ["-p", "slipway_shards"] if cut else []
        return [python, "-m", "pytest", *ours, *suite.arguments]
    if suite.runner == "nose2":
        ours = ["--plugin", "nose2.plugins.junitxml", "--junit-xml", "--junit-xml-path"]
        ours += [str(target), *(["--plugin", "slipway_shards"] if cut else [])]
        return [python, "-m", "nose2", "-v", *ours, *suite.arguments]
    return [python, str(GUEST), str(target), *suite.arguments]


def _problem(
    suite: Planned, finished: Finished, results: list[TestResult], source: Path, others: int
) -> str:
    """Compare the results in the XML with the exit code; return the problem, if any."""
    if not results:
        if finished.code not in _NONE_RAN:
            return _broke_off(suite, finished)
        if others:
            return ""
        place = " ".join(suite.arguments) or str(source)
        return (
            f"{suite.name} found no test in {place}: it looked for {_SEARCHED[suite.runner]}; "
            f"add tests or change the stage's suites ({suite.runner} was chosen: {suite.why})"
        )
    red = any(result.status in {"failed", "error"} for result in results)
    if finished.code and not red:
        return (
            f"{suite.name} ended with exit code {finished.code} although no test of its results "
            f"failed; its last lines: {_last(finished)}"
        )
    return ""


def _broke_off(suite: Planned, finished: Finished) -> str:
    last = _last(finished)
    return f"{suite.name} {finished.ending} and left no results; its last lines: {last}"


def _last(finished: Finished) -> str:
    return finished.last_output(_LAST_LINES) or "none"
