"""Run all test suites of the application, with the runners they are written for."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import TestResult
from slipway.model.protocol.job import Job
from slipway.scripts.python_env.environment import Environment, prepare
from slipway.scripts.report import Report
from slipway.scripts.stages.tests import suites
from slipway.scripts.stages.tests.junit import short
from slipway.scripts.stages.tests.overlooked import overlooked
from slipway.scripts.stages.tests.runners import Outcome, run_suite
from slipway.scripts.stages.tests.stage import TestsStage
from slipway.scripts.stages.tests.suites import Planned

__all__ = ["run"]

#: Number of failing tests that the final sentence names.
_NAMED = 5


def run(job: Job, report: Report) -> None:
    """Run the tests.

    Args:
        job: The stage; its project is the current folder.
        report: Receives each test's result.

    Raises:
        MissingTool: The environment cannot be made on this machine.
        StageFailed: A test failed, a suite broke off, or there was no test at all.
        WrongInput: The project's requirements cannot be installed.
    """
    stage = job.stage
    if not isinstance(stage, TestsStage):
        msg = f'stage "{job.name}" is no tests stage'
        raise WrongInput(msg)
    source = Path.cwd()
    # A little before the whole stage is ended, so that the results so far can be told.
    limit = stage.timeout - min(20.0, stage.timeout / 3)
    deadline = time.monotonic() + limit
    planned, environment = _plan(source, stage, job, report)
    outcomes: list[Outcome] = []
    for suite in planned:
        # The numbers count suites, not the tests of the current suite.
        report.progress(f"suites; now {suite.name}: {suite.why}", len(outcomes), len(planned))
        outcomes.append(
            run_suite(suite, environment, Path(job.output), report, job.shard, deadline)
        )
    ran = {one.file for outcome in outcomes for one in outcome.results if one.file}
    for outcome in outcomes:
        if left_out := _deselected(outcome):
            report.notice(left_out, level="warning")
    whole = job.shard[1] == 1 and not any(outcome.problem for outcome in outcomes)
    if whole and (warning := overlooked(source, planned, ran)):
        report.notice(warning, level="warning")
    _leave(job, outcomes, report)
    text, facts = _sum_up(outcomes, environment)
    if job.shard[1] > 1:
        text = f"part {job.shard[0]} of {job.shard[1]}: {text}" + _rest(outcomes)
        facts |= {"shard": list(job.shard), "others": sum(one.others for one in outcomes)}
    report.summary(text, **facts)
    for outcome in outcomes:
        if outcome.results and all(one.status == "skipped" for one in outcome.results):
            everything = f"all {len(outcome.results)} tests of {outcome.suite.name} were skipped"
            report.notice(f"{everything}: nothing was tested", level="warning")
    _judge(outcomes)


def _plan(
    source: Path, stage: TestsStage, job: Job, report: Report
) -> tuple[list[Planned], Environment]:
    """Choose the suites and prepare their environment."""
    planned = suites.configured(stage) or suites.find(source)
    tools = sorted({suite.runner for suite in planned} - {"unittest", "django"})
    environment = prepare(source, stage, Path(job.cache), report, tools, job.run.version)
    return planned or suites.guess(source, environment.versions), environment


def _deselected(outcome: Outcome) -> str:
    """Return a warning about tests that were found and taken out; empty without any."""
    told, own = outcome.told, outcome.told.collected + outcome.others
    if not told.collected or own >= told.found:
        return ""
    return (
        f"{told.found - own} of {told.found} tests of {outcome.suite.name} did not run: they were "
        "deselected, by -k or -m among the arguments or addopts, or by a conftest.py"
    )


def _leave(job: Job, outcomes: list[Outcome], report: Report) -> None:
    """Leave the results for people: each runner's XML, and all in the common form."""
    for outcome in outcomes:
        if outcome.xml is not None:
            report.artefact(outcome.xml, role="report")
    path = Path(job.output) / "tests.json"
    results = [
        result.model_dump(exclude={"event"}) for outcome in outcomes for result in outcome.results
    ]
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    report.artefact(path, role="report")


def _sum_up(outcomes: list[Outcome], environment: Environment) -> tuple[str, dict[str, object]]:
    """Return the one-line summary of the stage, and its facts."""
    counted = _count(*outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    parts = [
        f"{counted[status]} {word}"
        for status, word in (
            ("failed", "failed"),
            ("error", "broken"),
            ("passed", "passed"),
            ("skipped", "skipped"),
        )
        if counted[status]
    ]
    each = ", ".join(f"{outcome.suite.name} {len(outcome.results)}" for outcome in outcomes)
    total = counted.total()
    text = f"{total} {_tests(total)}: {', '.join(parts) or 'none ran'} in {seconds:.1f}s ({each})"
    facts: dict[str, object] = {
        "tests": total,
        "passed": counted["passed"],
        "failed": counted["failed"],
        "errors": counted["error"],
        "skipped": counted["skipped"],
        "seconds": round(seconds, 3),
        "python": environment.versions.get("python", ""),
        "suites": {outcome.suite.name: _suite_facts(outcome, environment) for outcome in outcomes},
    }
    return text, facts


def _rest(outcomes: list[Outcome]) -> str:
    """Describe the tests of the other shards."""
    others = sum(outcome.others for outcome in outcomes)
    if any(outcome.results for outcome in outcomes) or not others:
        return f"; {others} in the other parts"
    return f"; all {others} fall to the other parts, there are more parts than tests"


def _count(*outcomes: Outcome) -> Counter[str]:
    return Counter(result.status for outcome in outcomes for result in outcome.results)


def _suite_facts(outcome: Outcome, environment: Environment) -> dict[str, object]:
    counted = _count(outcome)
    runner = outcome.suite.runner
    own = "python" if runner == "unittest" else runner
    return {
        "runner": runner,
        "version": environment.versions.get(own, ""),
        "tests": len(outcome.results),
        **dict(counted),
        "seconds": round(outcome.seconds, 3),
        "exit_code": outcome.code,
    }


def _judge(outcomes: list[Outcome]) -> None:
    """Report the failed tests and other problems.

    Raises:
        StageFailed: There is a failure or a problem.
    """
    problems = [outcome.problem for outcome in outcomes if outcome.problem]
    results = [result for outcome in outcomes for result in outcome.results]
    bad = [result for result in results if result.status in {"failed", "error"}]
    if bad:
        named = ", ".join(_named(result) for result in bad[:_NAMED])
        more = f", and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        problems.insert(
            0, f"{len(bad)} of {len(results)} {_tests(len(results))} failed: {named}{more}"
        )
    if problems:
        raise StageFailed("; ".join(problems))


def _named(result: TestResult) -> str:
    why = short(result.message, 160)
    return f"{result.suite} {result.name}" + (f" ({why})" if why else "")


def _tests(count: int) -> str:
    return "test" if count == 1 else "tests"
