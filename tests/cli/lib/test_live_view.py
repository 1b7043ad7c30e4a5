"""What `slipway up` shows in terminals of different widths."""

import io
import time

import pytest
from rich.console import Console
from rich.text import Text

from slipway.cli.commands.runs.runs import _row as row_of
from slipway.cli.lib.live_view import Watch
from slipway.model.records.run import ListedRun
from slipway.model.records.stage import ListedStage
from slipway.model.site import Site

STAGES = {"tests": {"uses": "tests"}, "pack": {"uses": "archive", "needs": ["tests"]}}
SITE = Site.model_validate(
    {"project": {"demo": {"repository": "r", "stages": STAGES}}, "workers": {"local": {}}}
)


def stage(**changes):
    given = {
        "name": "tests",
        "cell": "",
        "uses": "tests",
        "attempt": 1,
        "state": "passed",
        "queued_at": 1000.0,
        "started_at": 1001.0,
        "finished_at": 1012.0,
        "exit_code": 0,
        "summary": "118 tests: 116 passed, 2 skipped in 8.6s (pytest 102, nose2 16) [bold]",
        "worker": "local",
        "waits": "",
    }
    return ListedStage.pick({**given, **changes})


def run(*stages, **changes):
    given = {
        "id": 1,
        "project": "demo",
        "number": 1,
        "version": "1.0+1",
        "branch": "main",
        "revision": "a" * 40,
        "subject": "A subject",
        "author": "Ann",
        "trigger": "poll",
        "committed_at": 1,
        "person": "",
        "reason": "",
        "superseded_by": None,
        "releases": [],
        "state": "running",
        "started_at": 1000.0,
        "finished_at": None,
        "stages": {one.name: one for one in stages},
    }
    return ListedRun(**{**given, **changes})


def terminal(width, height=24):
    return Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None
    )


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_what_is_shown_fits_any_terminal(width):
    console = terminal(width)
    for line in Watch(SITE, console)._lines(run(stage()), width):
        console.print(line)
    lines = console.file.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    told = next(line for line in lines if "tests" in line)
    assert "passed" in told
    assert ("11s" in told) == (width > 20)
    assert any("118 t" in line for line in lines)
    assert ("(pytest 102, nose2 16) [bold]" in told) == (width >= 100)
    assert any("after tests" in line for line in lines)
    assert any("demo run 1" in line for line in lines)
    assert ("A subject" in lines[0]) == (width >= 80)


def test_the_newest_run_is_seen_in_a_low_terminal():
    console = terminal(80, 9)
    with Watch(SITE, console) as watch:
        watch.show([run(stage(), number=number, state="passed") for number in (3, 2, 1)])
        assert "run 3" in console.file.getvalue()
        assert "run 1" not in console.file.getvalue()


def frames(watch, console, seconds):
    """How often it is drawn while somebody asks all the time."""
    before = console.file.getvalue().count("demo run 1")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watch.tick()
        time.sleep(0.02)
    return console.file.getvalue().count("demo run 1") - before


@pytest.mark.slow
def test_what_rests_is_not_drawn_again():
    console = terminal(80)
    with Watch(SITE, console) as watch:
        rests = run(stage(), state="waiting", finished_at=1012.0)
        watch.show([rests])
        assert frames(watch, console, 1.5) == 0
        before = console.file.getvalue()
        watch.show([rests])
        assert console.file.getvalue() == before
        console.size = (60, 24)
        assert frames(watch, console, 0.2) == 1


@pytest.mark.slow
def test_what_runs_is_drawn_once_a_second_at_most():
    console = terminal(80)
    with Watch(SITE, console) as watch:
        watch.show([run(stage(state="running", finished_at=None))])
        assert frames(watch, console, 0.5) == 0
        assert 1 <= frames(watch, console, 2.5) <= 3


def test_a_dumb_terminal_gets_lines(monkeypatch):
    console = Console(file=io.StringIO(), width=80, force_terminal=True, _environ={"TERM": "dumb"})
    with Watch(SITE, console) as watch:
        watch.show([run(stage())])
    assert "\x1b[" not in console.file.getvalue().replace("\x1b[0m", "")
    assert "run 1 tests: passed" in console.file.getvalue()


def test_an_attempt_that_ends_as_the_one_before_is_told_too():
    console = Console(file=io.StringIO(), width=200)
    watch = Watch(SITE, console)
    for attempt in (1, 1, 2):
        watch.show([run(stage(state="failed", attempt=attempt))])
    assert console.file.getvalue().count("run 1 tests: failed") == 2


def lines(watch, console, *runs):
    before = len(console.file.getvalue())
    watch.show(list(runs))
    return console.file.getvalue()[before:].splitlines()


def piped():
    return Console(file=io.StringIO(), width=200)


def test_what_ended_before_is_no_news_after_a_restart():
    console = piped()
    watch = Watch(SITE, console, since=2000.0)
    old = run(stage(), state="passed", finished_at=1012.0)
    waits = stage(name="ship", state="gate", started_at=None, finished_at=None, queued_at=1013.0)
    before = run(stage(), waits, number=2, state="waiting", finished_at=1013.0)
    assert lines(watch, console, before, old) == []
    # The same stage, tried again, is.
    again = stage(attempt=2, started_at=2001.0, finished_at=2003.0)
    (told, ended) = lines(watch, console, run(again, state="failed", finished_at=2003.0))
    assert "demo run 1 tests: passed 2.0s (attempt 2)" in told
    assert "demo run 1: 1.0+1 failed" in ended


def test_what_went_on_all_the_time_is_told_after_a_restart():
    console = piped()
    watch = Watch(SITE, console, since=2000.0)
    goes_on = stage(state="running", finished_at=None)
    assert ["running" in one for one in lines(watch, console, run(goes_on))] == [True]


def test_a_queued_stage_says_why_once():
    console = piped()
    watch = Watch(SITE, console)
    why = "no worker with the label [windows] is connected (win1)"
    queued = {"state": "queued", "started_at": None, "finished_at": None}
    first = run(stage(**queued, waits=why))
    (told,) = lines(watch, console, first)
    assert told == f"○ demo run 1 tests: queued {why}"
    assert lines(watch, console, first) == []
    (told,) = lines(watch, console, run(stage(**queued, waits="")))
    assert told == "○ demo run 1 tests: queued"
    shown = [line.plain for line in Watch(SITE, terminal(200))._lines(first, 200)]
    assert any(why in line for line in shown)


@pytest.mark.parametrize("state", ["cancelled", "failed", "passed"])
def test_what_an_ended_run_never_reached_does_not_wait(state):
    ended = run(stage(state="cancelled"), state=state, finished_at=1012.0)
    told = "\n".join(line.plain for line in Watch(SITE, terminal(200))._lines(ended, 200))
    assert "after tests" not in told
    assert "pack" in told
    assert "not run" in told


def test_each_cell_is_told_once():
    cells = [stage(cell=cell, state=state) for cell, state in (("a", "passed"), ("b", "running"))]
    both = run(stages={f"tests[{one.cell}]": one for one in cells})
    console = piped()
    watch = Watch(SITE, console)
    assert [one.split(":")[0] for one in lines(watch, console, both)] == [
        "✓ demo run 1 tests[a]",
        "● demo run 1 tests[b]",
    ]
    assert lines(watch, console, both) == []
    shown = [line.plain for line in Watch(SITE, terminal(200))._lines(both, 200)]
    assert ["waits" in line for line in shown if "tests" in line] == [False, False, True]


def test_a_reason_that_comes_and_goes_is_told_once():
    console = piped()
    watch = Watch(SITE, console)
    queued = {"state": "queued", "started_at": None, "finished_at": None}
    busy, free = (run(stage(**queued, waits=why)) for why in ("all workers are busy", ""))
    told = [len(lines(watch, console, one)) for one in (busy, free, busy, free, busy)]
    assert told == [1, 1, 0, 0, 0]


def test_the_end_of_a_run_is_told_after_three_newer_ones_began():
    console = piped()
    watch = Watch(SITE, console)
    newer = [run(number=number) for number in (5, 4, 3)]
    lines(watch, console, *newer, run(number=2))
    told = lines(watch, console, *newer, run(number=2, state="passed", finished_at=1012.0))
    assert [line.split(":")[0] for line in told] == ["✓ demo run 2"]


def test_cells_and_shards_are_listed_by_their_names():
    cells = [stage(cell=cell, state="passed") for cell in ("3.12", "linux", "2of4")]
    both = run(stages={f"tests[{one.cell}]": one for one in cells})
    shown = Text.from_markup(row_of(both)[-1]).plain
    assert shown == "✓ tests[3.12]  ✓ tests[linux]  ✓ tests[2of4]"
