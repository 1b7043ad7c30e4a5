"""Steps, arguments and settings that cannot be used end in one clear sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import venv

import pytest

from .conftest import GOOD, GUEST, refused

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found\n", "features/steps/bad.py:1"),
        ("x = 1\ny = (\n", "features/steps/bad.py:2"),
        ("\n1 / 0\n", "features/steps/bad.py:2"),
        ("import sys\nsys.exit(0)\n", "features/steps/bad.py:2"),
        ("from behave import given\n@given('it works')\ndef s(c): pass\n", "AmbiguousStep"),
    ],
)
def test_steps_that_cannot_be_loaded(project, text, told):
    project.feature(GOOD)
    project.write("features/steps/bad.py", text)
    error = refused(project, told)
    assert "features/steps/" in error["text"]


def test_environment_that_cannot_be_loaded(project):
    project.feature(GOOD)
    project.write("features/environment.py", "import json\nimport nowhere_to_be_found\n")
    error = refused(project, "features/environment.py:2")
    assert "nowhere_to_be_found" in error["text"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nonsense"], "--nonsense"),
        (["-f", "nonsense"], "no such formatter: nonsense"),
        (["-f", "plain", "-o", "a", "-o", "b"], "2 output files"),
        (["--tags=@a and"], '"@a and"'),
        (["--tags=~"], "names no tag"),
        (["-n", "("], "missing )"),
        (["-t"], "-t has no value"),
    ],
)
def test_arguments_that_behave_does_not_take(project, arguments, told):
    project.feature(GOOD)
    refused(project, told, arguments=arguments)


@pytest.mark.parametrize("text", ["tag_expression_protocol = any", "default_tags = ~", "junit = 7"])
def test_wrong_configuration(project, text):
    project.feature(GOOD)
    project.write("behave.ini", f"[behave]\n{text}\n")
    assert "configuration" in refused(project, "")["text"]


def test_formatter_that_breaks(project):
    project.feature(GOOD)
    project.write(
        "mine.py",
        "from behave.formatter.base import Formatter\nclass Mine(Formatter):\n"
        "    def result(self, step):\n        raise ValueError('bad formatter')\n",
    )
    ran = project.run("-f", "mine:Mine")
    assert ran.code == 1
    assert "ValueError: bad formatter (mine.py:4)" in ran.error()["text"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("[]", "one JSON object"),
        ("{}", "lacks queue, events, evidence"),
        ({"shard": [3, 2]}, "shard"),
        ({"jobs": "2"}, "jobs"),
        ({"index": 4}, "index"),
        ({"retries": -1}, "retries"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_settings(tmp_path, text, told):
    if isinstance(text, dict):
        text = json.dumps({"queue": "q", "events": "e", "evidence": "v", **text})
    (tmp_path / "s.json").write_text(text)
    done = subprocess.run(
        [sys.executable, str(GUEST), "s.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_behave_is_missing(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    given = {"queue": "q", "events": "e", "evidence": "v"}
    (tmp_path / "s.json").write_text(json.dumps(given))
    done = subprocess.run([str(python), str(GUEST), "s.json"], cwd=tmp_path, check=False)
    assert done.returncode == 3
    [error] = [json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]
    assert "has no module behave" in error["text"]


def test_queue_of_an_earlier_run(project):
    project.feature(GOOD)
    queue = str(project.folder / "queue")
    assert project.run(queue=queue).code == 0
    ran = project.run(queue=queue)
    assert ran.code == 1
    assert "earlier run" in ran.error()["text"]
