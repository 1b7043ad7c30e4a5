"""One setting in several places: plain behave and `slipway features` take the same one."""

import os
import subprocess
import sys
import textwrap

import pytest

STEPS = """
    import os
    from pathlib import Path
    from behave import given
    from slipway.sessions.settings import read_settings

    @given("{name} is {value}")
    def step(context, name, value):
        found = read_settings(context.config.userdata, os.environ, Path.cwd())
        assert str(getattr(found, name)) == value, found
"""
PROJECT = """
    [project]
    name = "shown"
    version = "1"

    [tool.slipway.features]
    browser = "firefox"
    headless = false
    window-size = "800x600"

    [tool.slipway.features.profiles.wide]
    window-size = "1600x900"
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "features" / "steps").mkdir(parents=True)
    (tmp_path / "features" / "steps" / "all.py").write_text(textwrap.dedent(STEPS))
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(PROJECT))
    return tmp_path


def expect(project, **values):
    lines = [f"    Given {name} is {value}\n" for name, value in values.items()]
    text = "Feature: F\n  Scenario: S\n" + "".join(lines)
    (project / "features" / "all.feature").write_text(text)


def run(project, *command, **env):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**kept, **env},
        capture_output=True,
        text=True,
        check=False,
    )


SAID = {"SLIPWAY_BROWSER": "edge", "SLIPWAY_HEADLESS": "true", "SLIPWAY_PROFILE": "wide"}
BIG = "(1600, 900)"
SMALL = "(800, 600)"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["behave"], ["slipway.cli", "features"]])
@pytest.mark.parametrize(
    ("words", "env", "values"),
    [
        ([], {}, {"browser": "firefox", "headless": False, "window_size": SMALL}),
        ([], SAID, {"browser": "edge", "headless": True, "window_size": BIG}),
        (["-D", "browser=chrome"], SAID, {"browser": "chrome", "window_size": BIG}),
        ([], {**SAID, "SLIPWAY_WINDOW_SIZE": "640x480"}, {"window_size": "(640, 480)"}),
    ],
)
def test_the_nearest_place_wins_with_either_command(project, command, words, env, values):
    expect(project, **values)
    done = run(project, *command, *words, **env)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_what_slipway_features_is_told_wins_over_the_environment(project):
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.slipway.features.profiles.tall]\nwindow-size = "600x900"\n')
    expect(project, browser="chromium", headless=False, window_size="(600, 900)")
    words = ("--browser", "chromium", "--headed", "--profile", "tall")
    done = run(project, "slipway.cli", "features", *words, **SAID)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_an_address_of_the_environment_stands_in_for_one_of_a_file(project):
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.slipway.features.profiles.staging]\nbase-url = "http://127.0.0.1:2/"\n')
    expect(project, browser="firefox")
    words = ("slipway.cli", "features", "--profile", "staging")
    done = run(project, *words, SLIPWAY_BASE_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert "127.0.0.1:1 " in done.stdout
    typed = run(project, *words, "--base-url", "http://127.0.0.1:3", SLIPWAY_BASE_URL="http://x:1")
    assert "127.0.0.1:3 " in typed.stdout
    wrong = run(project, *words, SLIPWAY_BASE_URL="nowhere")
    assert wrong.returncode == 2
    assert '$SLIPWAY_BASE_URL "nowhere" is no address' in wrong.stdout + wrong.stderr
