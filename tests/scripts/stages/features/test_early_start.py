"""Processes that start before the command has loaded, and wait for their settings."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.stages.features import early_start
from slipway.scripts.stages.features.early_start import (
    GUEST,
    Started,
    hand_settings,
    start_early,
    start_process,
)

pytestmark = pytest.mark.slow

PYTHON = Path(sys.executable)
STEPS = """
    import os, sys
    from behave import given

    @given("it is as if started just now")
    def fresh(context):
        assert os.environ["COLOUR"] == "blue"
        assert sys.stdin.read() == "", "the settings are still there"
        assert "." in sys.path or os.getcwd() == sys.path[0]
"""
FEATURE = """
    Feature: F
      Scenario: s
        Given it is as if started just now
"""


@pytest.fixture
def project(tmp_path):
    for name, text in {"steps/steps.py": STEPS, "a.feature": FEATURE, "b.feature": FEATURE}.items():
        file = tmp_path / "features" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return tmp_path


@pytest.fixture
def env():
    return clean_environment()


@pytest.fixture
def started(project, env):
    with Started(PYTHON, project, env, 2) as found:
        yield found


def ended(process):
    """Return the output of a process and its exit code."""
    if process.stdin is not None:
        process.stdin.close()
    with process.stdout:
        said = process.stdout.read()
    return said, process.wait(60)


def settings_file(folder, **more):
    told = {name: str(folder / name) for name in ("queue", "events", "evidence")}
    file = folder / "settings of Zoë.json"
    file.write_text(json.dumps({**told, **more}))
    return file


def test_a_process_waits_and_runs_as_one_that_starts_then(project, env, started):
    process, variables = started.take(PYTHON, project, {**env, "COLOUR": "blue"})
    assert variables == {"COLOUR": "blue"}
    assert process.poll() is None
    hand_settings(process, settings_file(project, environment=variables))
    said, _ = ended(process)
    events = [json.loads(line) for line in (project / "events").read_text().splitlines()]
    results = [one["status"] for one in events if one["event"] == "scenario_finished"]
    assert (process.poll(), results) == (0, ["passed", "passed"]), said


def test_what_is_not_taken_is_ended(project, env):
    with Started(PYTHON, project, env, 3) as started:
        taken, _ = started.take(PYTHON, project, env)
        left = list(started._waiting)
    assert [one.poll() is not None for one in left] == [True, True]
    assert taken.poll() is None
    ended(taken)  # its standard input ends: the host needs no run
    assert taken.poll() == 0


def test_only_what_can_be_set_later_may_differ(project, env, started):
    assert started.take(Path("/usr/bin/other"), project, env) is None
    assert started.take(PYTHON, project.parent, env) is None
    assert started.take(PYTHON, project, {**env, "PYTHONPATH": "/elsewhere"}) is None
    assert started.take(PYTHON, project, {**env, "LD_PRELOAD": "x.so"}) is None
    assert started.take(PYTHON, project, {"PATH": env["PATH"]}) is None, "one is missing"
    taken, variables = started.take(PYTHON, project, env)
    assert variables == {}
    ended(taken)


def test_a_process_that_ended_meanwhile_is_not_handed_out(project, env, started):
    first, second = started._waiting
    first.kill()
    assert first.wait(60) == -9
    taken, _ = started.take(PYTHON, project, env)
    assert taken is second
    second.kill()
    second.wait()
    # Its end is told where its exit code is read.
    hand_settings(second, settings_file(project))
    assert ended(second) == ("", -9)
    assert started.take(PYTHON, project, env) is None


def test_the_path_of_the_settings_may_also_be_an_argument(project):
    file = settings_file(project, environment={"COLOUR": "blue"})
    done = subprocess.run(
        [PYTHON, GUEST, file], cwd=project, capture_output=True, input="", check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_behave_that_cannot_be_loaded_is_told_by_the_run(project, env):
    (project / "behave.py").write_text("raise SystemExit('not this one')")
    process = start_process(PYTHON, project, {**env, "COLOUR": "blue"})
    hand_settings(process, settings_file(project))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not this one" in said


@pytest.mark.parametrize(
    ("jobs", "arguments", "count"),
    [
        ("2", [], 2),
        ("1", [], 1),
        ("9", [], 2),
        ("9", ["features/a.feature"], 1),
        ("9", ["--tags=x", "features"], 2),
        ("0", [], 0),
        ("-1", [], 0),
        ("x", [], 0),
        ("65", [], 0),
        (None, ["features/b.feature"], 1),
    ],
)
def test_as_many_as_the_run_seems_to_need(project, monkeypatch, jobs, arguments, count):
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    with start_early(project, jobs, arguments) as started:
        assert len(started._waiting) == count


def test_one_where_the_settings_tell_the_number(project, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    (project / "pyproject.toml").write_text("[tool.slipway.features]\njobs = 1\n")
    with start_early(project, None, []) as started:
        assert len(started._waiting) == 1


def test_none_where_another_python_has_to_run_them(project, monkeypatch):
    with start_early(project, "2", []) as started:
        assert started._waiting == []
    monkeypatch.setattr(sys, "prefix", str(project / ".venv"))
    monkeypatch.setattr(early_start, "_NEEDED", ("behave", "no_such_package"))
    with start_early(project, "2", []) as started:
        assert started._waiting == []


def test_nothing_of_ours_is_loaded_before_the_processes_start():
    code = (
        "import sys, slipway.cli.main, slipway.cli.commands.local.features;"
        "print(*sorted({'pydantic', 'rich', 'jinja2', 'psutil', 'httpx', 'lxml'} & {*sys.modules}))"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
