"""The features run: those of Slipway itself, and all three suites of the example."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.scripts.python_env.environment import Environment, prepare
from slipway.scripts.report import ConsoleReport
from slipway.scripts.stages.tests.stage import TestsStage

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[5]
#: Seconds; beside other work a browser takes ten times as long as alone.
PATIENCE = 840
needs_browser = pytest.mark.skipif(
    shutil.which("chromedriver") is None,
    reason="no chromedriver here: apt install chromium-headless-shell chromium-driver",
)


def run(words: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a program that must succeed, and return what it said."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout[-60000:]}"
    return done.stdout


def behave(python: str | Path, tags: str, cwd: Path, env: dict[str, str] | None = None) -> int:
    """Run features and return how many scenarios passed; behave says 0 too when none was run."""
    said = run(
        [str(python), "-m", "behave", "--no-color", "--no-skipped", f"--tags={tags}"], cwd, env
    )
    told = re.search(
        r"^(\d+) scenarios? passed, 0 failed(?:, 0 error)?, (\d+) skipped", said, re.MULTILINE
    )
    assert told, said[-3000:]
    return int(told[1])


def features(source: Path, output: Path, *words: str) -> int:
    """Walk features by Slipway's own command and return how many scenarios passed."""
    ours = [sys.executable, "-m", "slipway.cli", "features", "--source", str(source)]
    said = run([*ours, "--output", str(output), *words], ROOT)
    told = re.search(r"^(\d+) scenarios?: (\d+) passed(?:, (\d+) skipped)? in ", said, re.MULTILINE)
    assert told, said[-3000:]
    assert int(told[1]) == int(told[2]) + int(told[3] or 0), said[-3000:]
    return int(told[2])


def test_the_features_of_slipway() -> None:
    """Everything but the browser, by plain behave."""
    assert behave(sys.executable, "~@javascript", ROOT) > 0


@needs_browser
def test_the_features_of_slipway_in_a_browser(tmp_path: Path) -> None:
    """The browser's, by Slipway's own command."""
    assert features(ROOT, tmp_path, "--tags=@javascript", "--jobs", "1") > 0


# ---- the example


@pytest.fixture(scope="module")
def almanac(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, dict[str, str]]:
    """A copy of the example with the environment that its stages get."""
    folder = tmp_path_factory.mktemp("almanac")
    source = folder / "source"
    unwanted = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", "build", "dist")
    shutil.copytree(ROOT / "examples" / "almanac", source, ignore=unwanted)
    made = prepare(source, TestsStage(uses="tests"), folder / "cache", ConsoleReport())
    return made, made.variables()


def test_pytest_of_the_example(almanac: tuple[Environment, dict[str, str]]) -> None:
    made, env = almanac
    said = run([str(made.python), "-m", "pytest", "-q"], made.source, env)
    told = re.search(r"^(\d+) passed", said, re.MULTILINE)
    assert told, said
    assert int(told[1]) > 0


def test_nose2_of_the_example(almanac: tuple[Environment, dict[str, str]]) -> None:
    made, env = almanac
    said = run([str(made.python), "-m", "nose2"], made.source, env)
    told = re.search(r"^Ran (\d+) tests? in .*\n\nOK", said, re.MULTILINE)
    assert told, said
    assert int(told[1]) > 0


def test_features_of_the_example(almanac: tuple[Environment, dict[str, str]]) -> None:
    made, env = almanac
    assert behave(made.python, "~@javascript", made.source, env) > 0


@needs_browser
def test_all_features_of_the_example_side_by_side(
    almanac: tuple[Environment, dict[str, str]], tmp_path: Path
) -> None:
    """Plain HTTP and browser together, by Slipway's own command."""
    made, _ = almanac
    assert features(made.source, tmp_path, "--jobs", "2") > 0
