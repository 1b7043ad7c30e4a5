"""Programs that offer choices: each once at a time, bounded in time, output and company."""

import queue
import sys
import time
from pathlib import Path

import psutil
import pytest
from twisted.internet import defer

from slipway.master.gates import external_choices as module
from slipway.master.gates.external_choices import Choices
from slipway.model.errors import MissingTool

PATIENCE = 60.0


class Turns:
    """The one thing that is wanted of a reactor here: work from threads, done in turn."""

    def __init__(self):
        self._work = queue.Queue()

    def callFromThread(self, work, *args, **kwargs):  # noqa: N802  Twisted's name
        self._work.put((work, args, kwargs))

    def wait(self, *waiting):
        """Return what came of coroutines that run side by side; an error is raised."""
        found = [defer.ensureDeferred(one) for one in waiting]
        told = [[] for _ in found]
        for one, heard in zip(found, told, strict=True):
            one.addBoth(heard.append)
        deadline = time.monotonic() + PATIENCE
        while not all(told):
            work, args, kwargs = self._work.get(timeout=deadline - time.monotonic())
            work(*args, **kwargs)
        return [heard[0] for heard in told]


@pytest.fixture
def nothing_left():
    """Return a check that no process is left that was started here."""
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    return lambda: {one.pid for one in psutil.Process().children(recursive=True)} <= before


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def make(turns):
    made = []

    def choices(**options):
        made.append(Choices(turns, **options))
        return made[-1]

    yield choices
    for one in made:
        one.stop()


@pytest.fixture
def program(tmp_path):
    """Return a maker of programs that note each of their runs, and a count of these."""
    notes = tmp_path / "runs"

    def write(code="print('a')\nprint('b')"):
        note = f"open({str(notes)!r}, 'a').write('x')\n"
        return (sys.executable, "-c", note + code)

    write.runs = lambda: len(notes.read_text()) if notes.exists() else 0
    return write


def values(printed):
    return [one.value for one in printed["one"]]


@pytest.mark.slow
def test_forty_at_once_run_it_once_and_all_get_its_choices(make, turns, program):
    choices, argv = make(), program("import time; time.sleep(0.3); print('a')")
    found = turns.wait(*(choices.of({"one": argv}) for _ in range(40)))
    assert [values(one) for one in found] == [["a"]] * 40
    assert program.runs() == 1


@pytest.mark.slow
def test_what_it_printed_is_kept_for_a_while(make, turns, program):
    argv = program()
    kept, fresh = make(fresh=PATIENCE), make(fresh=0.0)
    for choices, runs in ((kept, 1), (kept, 1), (fresh, 2), (fresh, 3)):
        assert values(turns.wait(choices.of({"one": argv}))[0]) == ["a", "b"]
        assert program.runs() == runs


@pytest.mark.slow
def test_other_arguments_are_another_program(make, turns, program):
    choices = make()
    (one,) = turns.wait(choices.of({"one": program(), "two": program("print('c')")}))
    assert [choice.value for choice in one["two"]] == ["c"]
    assert program.runs() == 2


@pytest.mark.slow
def test_whoever_goes_away_takes_it_from_nobody(make, turns, program):
    choices, argv = make(), program("import time; time.sleep(0.3); print('a')")
    gone = defer.ensureDeferred(choices.of({"one": argv}))
    gone.addErrback(lambda failure: failure.trap(defer.CancelledError))
    stays = choices.of({"one": argv})
    waiting = defer.ensureDeferred(stays)
    gone.cancel()
    (found,) = turns.wait(waiting)
    assert (values(found), program.runs()) == (["a"], 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; print('no such host', file=sys.stderr); sys.exit(4)", "with 4: no such host"),
        ("pass", "0 choices were printed"),
        ("print('a'); print('a')", "comes twice"),
        ("import sys\nwhile True: sys.stdout.write('a' * 9999)", "printed more than 524,288 bytes"),
        ("import time; time.sleep(60)", "did not end within 0.5 seconds"),
        ("import os, time; os.close(1); os.close(2); time.sleep(60)", "did not end within 0.5"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_nothing_is_left(
    make, turns, program, nothing_left, code, told
):
    choices = make(patience=PATIENCE if "sleep" not in code else 0.5)
    (failure,) = turns.wait(choices.of({"one": program(code)}))
    assert failure.check(MissingTool)
    assert f"the choices of one: {sys.executable}: " in str(failure.value)
    assert told in str(failure.value)
    assert nothing_left()


def test_a_program_that_is_not_there(make, turns):
    (failure,) = turns.wait(make().of({"one": ("/nowhere/at-all",)}))
    assert "cannot be started: No such file or directory" in str(failure.value)


def test_what_fails_is_not_tried_again_at_once(make, turns, program):
    choices, argv = make(), program("raise SystemExit(1)")
    for _ in range(3):
        (failure,) = turns.wait(choices.of({"one": argv}))
        assert failure.check(MissingTool)
    assert program.runs() == 1


@pytest.mark.slow
def test_what_it_has_started_ends_with_it_and_is_not_waited_for(make, turns, tmp_path):
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\nprint('a')"
    )
    (found,) = turns.wait(make().of({"one": (sys.executable, "-c", code)}))
    assert values(found) == ["a"]
    deadline = time.monotonic() + PATIENCE
    while psutil.pid_exists(int(pid.read_text())):
        left = psutil.Process(int(pid.read_text()))
        if left.status() == psutil.STATUS_ZOMBIE:
            break
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_long_errors_are_cut_and_their_end_is_told(make, turns, program):
    code = "import sys\nsys.stderr.write('x' * 3_000_000 + '\\nthe end')\nsys.exit(1)"
    (failure,) = turns.wait(make(patience=PATIENCE).of({"one": program(code)}))
    assert str(failure.value).endswith("ended with 1: the end")


def test_stopping_ends_what_runs(make, turns, nothing_left, tmp_path):
    begun = tmp_path / "begun"
    code = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(600)"
    choices = make(patience=PATIENCE)
    waiting = defer.ensureDeferred(choices.of({"one": (sys.executable, "-c", code)}))
    deadline = time.monotonic() + PATIENCE
    while not Path(begun).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    choices.stop()
    (failure,) = turns.wait(waiting)
    assert failure.check(MissingTool)
    assert nothing_left()


def test_the_limits_fit_what_choices_may_be():
    assert module._LARGEST >= 1000 * 2 * 200
