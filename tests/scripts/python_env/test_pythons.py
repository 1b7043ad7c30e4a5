"""Pythons that version managers keep are found by version, without being on PATH."""

import os
import sys
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool
from slipway.scripts.python_env.environment import prepare
from slipway.scripts.python_env.pythons import find_python, installed
from slipway.scripts.stages.tests.stage import TestsStage

BASE = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
RUNNING = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Return a home without any Python, as a service has it."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(home))
    for name in ("PYENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def put(folder, target=BASE):
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python3").symlink_to(target)


@pytest.mark.parametrize(
    "place",
    [
        ".pyenv/versions/{}",
        ".asdf/installs/python/{}",
        ".local/share/mise/installs/python/{}",
        ".local/share/uv/python/cpython-{}-linux-x86_64-gnu",
    ],
)
def test_a_python_of_a_version_manager_is_known(bare, place):
    put(bare / place.format(RUNNING))
    assert list(installed()) == [
        (tuple(sys.version_info[:3]), bare / place.format(RUNNING) / "bin" / "python3")
    ]


@pytest.mark.slow
def test_the_newest_of_a_minor_version_is_taken(bare, tmp_path):
    for version in ("3.97.2", "3.97.10", "3.9.7"):
        put(bare / ".pyenv" / "versions" / version)
    (bare / ".pyenv" / "versions" / "3.97.99").mkdir()
    python, missing = find_python("3.97", tmp_path)
    assert (python, missing) == (str(bare / ".pyenv/versions/3.97.10/bin/python3"), "")
    python, missing = find_python("3.98", tmp_path)
    assert python == "3.98"
    assert f"{bare}/.pyenv/versions" in missing
    assert missing.endswith(": 3.97.10, 3.97.2, 3.9.7 there")


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(os.environ.get("PYENV_ROOT", "/nowhere"), "versions").is_dir(),
    reason="needs Pythons of pyenv",
)
def test_an_environment_is_made_of_a_python_of_pyenv(bare, project, tmp_path, recorder, pyenv):
    version = ".".join(map(str, pyenv[0][:2]))
    (bare / ".pyenv").mkdir()
    (bare / ".pyenv" / "versions").symlink_to(pyenv[1].parents[2])
    made = prepare(project({}), TestsStage(uses="tests", python=version), tmp_path / "c", recorder)
    assert made.versions["python"].startswith(f"{version}.")


@pytest.fixture(scope="session")
def pyenv():
    """Return a Python of pyenv that is not the running one, before HOME is changed."""
    return next(one for one in sorted(installed(), reverse=True) if one[0] >= (3, 8))


@pytest.mark.slow
def test_a_python_that_is_nowhere_is_refused_with_the_places(bare, project, tmp_path, recorder):
    with pytest.raises(
        MissingTool, match=r"no Python 3\.99 on this machine: looked on PATH"
    ) as told:
        prepare(project({}), TestsStage(uses="tests", python="3.99"), tmp_path / "c", recorder)
    assert "or write its path there" in str(told.value)
