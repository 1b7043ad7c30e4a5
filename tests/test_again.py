"""What `make test` makes of tests that fail beside others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.again import MOST

ROOT = Path(__file__).parents[1]
#: Fails at its first run, when it is told to, and always.
TESTS = """
import pathlib

def test_good():
    pass

def test_flaky():
    seen = pathlib.Path("seen")
    was_there = seen.exists()
    seen.touch()
    assert was_there or not pathlib.Path("flaky").exists()

def test_bad():
    assert not pathlib.Path("bad").exists()
"""


def run(folder, *words):
    # Half the start of pytest: plugins that are installed here.
    without = "-p no:schemathesis -p no:hypothesispytest"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": without}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marks", "code", "said"),
    [
        (["flaky"], 0, "passed alone; look into it:\n  test_it.py::test_flaky\n"),
        (["bad"], 1, "1 failed"),
        (["flaky", "bad"], 1, "1 failed, 1 passed"),
    ],
)
def test_who_fails_again_has_failed(folder, marks, code, said):
    for name in marks:
        (folder / name).touch()
    assert run(folder, "pytest", "-q").returncode == 1
    done = run(folder, "tests.again")
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout
    assert "test_good" not in done.stdout


@pytest.mark.slow
def test_many_that_fail_are_not_tried_again(folder):
    text = "\n".join(f"def test_{number}(): assert 0" for number in range(MOST + 1))
    (folder / "test_it.py").write_text(text)
    assert run(folder, "pytest", "-q").returncode == 1
    done = run(folder, "tests.again")
    assert (done.returncode, done.stdout.startswith(f"{MOST + 1} tests have failed")) == (1, True)


def test_without_pytests_list_it_has_failed(folder):
    assert run(folder, "tests.again").returncode == 1
