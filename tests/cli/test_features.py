"""`slipway features` as it is typed."""

import os
import subprocess
import sys
import textwrap

import pytest

FEATURE = """
    Feature: Sums
      Scenario: right
        Given 1 and 1 make 2

      @javascript
      Scenario: tagged
        Given 1 and 1 make 2

      @wrong
      Scenario: wrong
        Given 1 and 1 make 3
"""
STEPS = """
    from behave import given

    @given("{a:d} and {b:d} make {c:d}")
    def make(context, a, b, c):
        assert a + b == c
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "features" / "steps").mkdir(parents=True)
    (tmp_path / "features" / "sums.feature").write_text(textwrap.dedent(FEATURE))
    (tmp_path / "features" / "steps" / "sums.py").write_text(textwrap.dedent(STEPS))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "sums"\nversion = "1"\n')
    return tmp_path


def features(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "slipway.cli", "features", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_as_a_developer_types_it(project):
    good = features(project, "--tags=~@javascript", "--tags", "~@wrong")
    assert (good.returncode, good.stderr) == (0, ""), good.stdout
    assert "1 scenario: 1 passed" in good.stdout
    assert (project / ".slipway" / "features" / "output" / "features.html").is_file()
    bad = features(project)
    assert bad.returncode == 1
    assert "2 passed, 1 failed: features/sums.feature:11 wrong" in bad.stdout
    one = features(project, "features/sums.feature:3", "--output", "kept")
    assert one.returncode == 0
    assert (project / "kept" / "tests.json").is_file()
    away = features(project.parent, "--source", project.name, "--tags=~@wrong", "--output", "out")
    assert away.returncode == 0, away.stdout
    assert (project.parent / "out" / "tests.json").is_file()
    assert "Traceback" not in good.stdout + one.stdout + good.stderr + bad.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shard", "3/2"], '--shard "3/2" is none; write which part of how many, such as 1/3'),
        (["--jobs", "0"], '--jobs "0" is not allowed: input should be greater than or equal to 1'),
        (["--retries", "x"], '--retries "x" is not allowed: input should be a valid integer'),
        (["--browser", "lynx"], "--browser \"lynx\" is not allowed: input should be 'chromium'"),
        (["--source", "nowhere"], "--source nowhere is no folder; name the project"),
        (["--profile", "x"], 'the profile "x" is not in [tool.slipway.features.profiles]'),
        (["--base-url", "here"], '--base-url "here" is not allowed: string should match pattern'),
    ],
)
def test_wrong_words_are_told(project, words, told):
    done = features(project, *words)
    assert done.returncode == 2
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_other_commands_take_no_words_they_do_not_know(place):
    code, _, err = place.slipway("check", "--tags=x")
    assert code == 2
    assert "unrecognized arguments: --tags=x" in err
