"""What `slipway up` shows in terminals of different widths."""

import io

import pytest
from rich.console import Console

from slipway.cli.watch import Watch
from slipway.ledger.views import RunView, StageView
from slipway.model.site import Site

STAGES = {"tests": {"uses": "tests"}, "pack": {"uses": "archive", "needs": ["tests"]}}
SITE = Site.model_validate(
    {"project": {"demo": {"repository": "r", "stages": STAGES}}, "workers": {"local": {}}}
)


def stage(**changes):
    given = {
        "name": "tests",
        "uses": "tests",
        "attempt": 1,
        "state": "passed",
        "queued_at": 1000.0,
        "started_at": 1001.0,
        "finished_at": 1012.0,
        "exit_code": 0,
        "summary": "118 tests: 116 passed, 2 skipped in 8.6s (pytest 102, nose2 16) [bold]",
        "worker": "local",
        "owner": "",
    }
    known = StageView.__dataclass_fields__
    return StageView(**{key: value for key, value in {**given, **changes}.items() if key in known})


def run(*stages, **changes):
    given = {
        "project": "demo",
        "number": 1,
        "version": "1.0+1",
        "branch": "main",
        "revision": "a" * 40,
        "subject": "A subject",
        "author": "Ann",
        "trigger": "poll",
        "owner": "",
        "state": "running",
        "started_at": 1000.0,
        "finished_at": None,
        "stages": {one.name: one for one in stages},
    }
    return RunView(**{**given, **changes})


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_times_are_shown_in_any_terminal(width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Watch(SITE, console)._table(run(stage())))
    lines = console.file.getvalue().splitlines()
    told = next(line for line in lines if "tests" in line)
    assert "11s" in told
    assert len(told.rstrip()) <= width
    assert ("(pytest 102, nose2 16) [bold]" in told) == (width >= 100)
    assert any("after tests" in line for line in lines)


def test_an_attempt_that_ends_as_the_one_before_is_told_too():
    console = Console(file=io.StringIO(), width=200)
    watch = Watch(SITE, console)
    for attempt in (1, 1, 2):
        watch.show([run(stage(state="failed", attempt=attempt))])
    assert console.file.getvalue().count("run 1 tests: failed") == 2
