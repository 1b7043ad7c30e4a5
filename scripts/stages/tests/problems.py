"""Judge a suite that has ended by its exit code, its results and its journal together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.model.protocol.event import TestResult
from slipway.scripts.process import Finished
from slipway.scripts.stages.tests.journal import Journal
from slipway.scripts.stages.tests.suites import Planned

__all__ = ["OVERTIME", "Ended", "find_problem"]

#: Stands for the exit code of a suite whose time was over.
OVERTIME = -1000
#: Exit codes of runners that found no tests: nose2 and old versions of unittest report success.
_NONE_RAN = (0, 5)
_LAST_LINES = 5
_KILLED = -9
_NAMED = 3
_SEARCHED = {
    "pytest": "functions test_* and classes Test* in files test_*.py and *_test.py",
    "nose2": "functions test* and unittest.TestCase classes in files test*.py",
    "unittest": "unittest.TestCase classes in files test*.py",
    "django": "unittest.TestCase classes in files test*.py of packages",
}


@dataclass(frozen=True)
class Ended:
    """A suite that has ended."""

    suite: Planned
    finished: Finished
    told: Journal
    results: list[TestResult]
    source: Path
    others: int
    """Number of its tests that other shards run."""
    wrote: bool
    """Whether the runner has written its file of results."""


def find_problem(ended: Ended) -> str:
    """Return the problem with a suite besides single tests; empty if there is none.

    A suite is green only if its exit code, its file of results and the journal all say so: a test
    may end the process with exit code 0, stop the others, or change what the runner says.
    """
    checks = (_time_over, _crashed, _stopped, _hidden, _none, _missing, _exit_code)
    return next((problem for check in checks if (problem := check(ended))), "")


def _is_red(ended: Ended) -> bool:
    return any(result.status in {"failed", "error"} for result in ended.results)


def _time_over(ended: Ended) -> str:
    if ended.finished.code != OVERTIME:
        return ""
    told = ended.told
    done = f"{told.finished} of {told.collected} tests had ended"
    return (
        f"{ended.suite.name} was stopped as its time was over{_while(told)}; "
        f"{done if told.collected else 'no test had ended'}; "
        "mend what hangs or raise the stage's timeout"
    )


def _crashed(ended: Ended) -> str:
    told = ended.told
    return _broke_off(ended) if not ended.wrote or (told.running and told.code is None) else ""


def _hidden(ended: Ended) -> str:
    """Compare the results with the journal's: another may have written the file."""
    told, name = ended.told, ended.suite.name
    failed = [one.name for one in told.results if one.status in {"failed", "error"}]
    if failed and not _is_red(ended):
        return f"{', '.join(failed[:_NAMED])} failed, though the results of {name} do not say so"
    if ended.results and not told.collected and not told.results:
        return f"{name} left results of {len(ended.results)} tests, but ran none"
    return ""


def _stopped(ended: Ended) -> str:
    told = ended.told
    if not told.stopped or _is_red(ended):
        return ""
    return f"{ended.suite.name} was stopped{_while(told)}{_so_far(ended)}: {told.stopped.strip()}"


def _missing(ended: Ended) -> str:
    told = ended.told
    missing = told.collected - max(told.finished, len(ended.results))
    if missing <= 0 or _is_red(ended):
        return ""
    return (
        f"{missing} of {told.collected} collected tests of {ended.suite.name} did not run, and "
        f"nothing says why; its last lines: {_last(ended.finished)}"
    )


def _exit_code(ended: Ended) -> str:
    code = ended.finished.code
    if not code or _is_red(ended):
        return ""
    if code in _NONE_RAN and ended.others and not ended.told.collected:
        # All of its tests fall to the other shards.
        return ""
    return (
        f"{ended.suite.name} ended with exit code {code} although no test of its results "
        f"failed; its last lines: {_last(ended.finished)}"
    )


def _none(ended: Ended) -> str:
    """Return the problem with a suite without results."""
    suite, told = ended.suite, ended.told
    if ended.results or told.collected:
        return ""
    if ended.finished.code not in _NONE_RAN:
        return _broke_off(ended)
    if ended.others:
        return ""
    place = " ".join(suite.arguments) or str(ended.source)
    if told.found and not told.collected:
        return (
            f"{suite.name} found {told.found} tests in {place} and ran none: all were deselected, "
            "by -k or -m among the arguments or addopts, or by a conftest.py"
        )
    return (
        f"{suite.name} found no test in {place}: it looked for {_SEARCHED[suite.runner]}; "
        f"add tests or change the stage's suites ({suite.runner} was chosen: {suite.why})"
    )


def _broke_off(ended: Ended) -> str:
    finished, told = ended.finished, ended.told
    left = "" if ended.results or ended.wrote else " and left no results"
    memory = " (as Linux does where memory is short)" if finished.code == _KILLED else ""
    return (
        f"{ended.suite.name} {finished.ending}{memory}{_while(told)}{left}{_so_far(ended)}; "
        f"its last lines: {_last(finished)}"
    )


def _while(told: Journal) -> str:
    if not told.running:
        return ""
    more = f" and {len(told.running) - _NAMED} more" if len(told.running) > _NAMED else ""
    return f" while {', '.join(told.running[:_NAMED])}{more} ran"


def _so_far(ended: Ended) -> str:
    if not ended.told.collected:
        return ""
    return f" after {ended.told.finished} of {ended.told.collected} tests"


def _last(finished: Finished) -> str:
    return finished.last_output(_LAST_LINES) or "none"
