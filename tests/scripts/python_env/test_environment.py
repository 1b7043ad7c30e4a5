"""The application's own environment: made from what the project says, cached, explained."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, WrongInput
from slipway.scripts.python_env import environment
from slipway.scripts.python_env import uv as installer
from slipway.scripts.python_env.environment import prepare
from slipway.scripts.python_env.requirements import make_plan
from slipway.scripts.python_env.uv import explain
from slipway.scripts.stages.command.stage import CommandStage
from slipway.scripts.stages.freeze.stage import FreezeStage
from slipway.scripts.stages.tests.stage import TestsStage

TESTS = TestsStage(uses="tests")
FREEZE = FreezeStage(uses="freeze", script="x.py")
PROJECT = """[project]
name = "small"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["iniconfig"]
[project.optional-dependencies]
more = ["pluggy"]
[dependency-groups]
dev = ["six"]
docs = ["colorama"]
"""
BUILD = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'


@pytest.fixture
def fresh(tmp_path, recorder):
    """Make an environment in a cache of this test's own."""

    def make(stage=TESTS, tools=()):
        return prepare(Path.cwd(), stage, tmp_path / "cache", recorder, tools)

    return make


def lock(folder):
    subprocess.run(
        [installer.uv_path(), "lock", "--quiet"],
        cwd=folder,
        env=installer.clean_environment() | {"UV_PYTHON_DOWNLOADS": "never"},
        check=True,
    )


def guest(made, code, **more):
    done = subprocess.run(
        [made.python, "-c", code],
        env=made.variables(more),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_a_bare_project_gets_a_bare_environment_once(project, fresh, recorder):
    project({"app.py": ""})
    made = fresh()
    assert set(made.versions) == {"python"}
    assert not made.installed
    said = len(recorder.lines)
    assert fresh().folder == made.folder
    # Only what it is made of is told again.
    assert recorder.lines[said:] == recorder.lines[:1]


@pytest.mark.slow
def test_requirements_are_installed_and_the_source_is_on_the_path(project, fresh):
    project({"requirements.txt": "iniconfig\n", "src/inner.py": "", "outer.py": ""})
    made = fresh(tools=["six"])
    assert {"iniconfig", "six"} <= set(made.versions)
    assert guest(made, "import iniconfig, six, inner, outer; print('all')") == "all"


@pytest.mark.slow
def test_a_lock_decides_and_tools_it_brings_are_left_alone(project, fresh):
    folder = project({"pyproject.toml": PROJECT.replace('"six"', '"six==1.16.0"')})
    lock(folder)
    made = fresh(tools=["six"])
    assert made.versions["six"] == "1.16.0"
    assert "iniconfig" in made.versions
    assert "colorama" not in made.versions
    assert not made.installed
    shipped = fresh(FREEZE)
    assert "six" not in shipped.versions
    assert shipped.folder != made.folder


@pytest.mark.slow
def test_a_package_is_installed_editable_with_extras(project, fresh):
    project({"pyproject.toml": PROJECT + BUILD, "small/__init__.py": "x = 1\n"})
    made = fresh(TestsStage(uses="tests", extras=("more",)))
    assert made.installed
    assert {"small", "pluggy", "iniconfig", "six"} <= set(made.versions)
    Path("small/__init__.py").write_text("x = 22\n")
    assert guest(made, "import small; print(small.x)") == "22"


def test_groups_by_stage(project):
    folder = project({"pyproject.toml": PROJECT})

    def words(stage):
        return make_plan(folder, stage).calls[0]

    assert "--group=dev" in words(TESTS)
    assert "--group=dev" in words(CommandStage(uses="command", argv=("x",)))
    assert "--group=dev" not in words(FREEZE)
    assert words(TestsStage(uses="tests", groups=("docs",)))[-1] == "--group=docs"
    (folder / "uv.lock").touch()
    assert words(TESTS) == ("sync", "--frozen", "--inexact")
    assert words(FREEZE)[-1] == "--no-default-groups"
    told = words(FreezeStage(uses="freeze", script="x", groups=("docs",), extras=("more",)))
    assert told[3:] == ("--extra=more", "--no-default-groups", "--group=docs")


@pytest.mark.slow
def test_a_change_of_what_it_is_made_of_makes_another(project, fresh):
    project({"requirements.txt": ""})
    first = fresh()
    project({"requirements.txt": "# changed\n"})
    second = fresh()
    assert second.folder != first.folder
    assert fresh(TestsStage(uses="tests", env={"A": "1"})).folder == second.folder


@pytest.mark.slow
def test_a_half_made_one_is_made_anew(project, fresh):
    project({})
    made = fresh()
    (made.folder / ".complete").unlink()
    (made.folder / "leftover").touch()
    assert fresh().folder == made.folder
    assert not (made.folder / "leftover").exists()
    assert made.python.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the Python is a link on POSIX alone")
def test_one_whose_python_went_away_is_made_anew(project, fresh):
    project({})
    made = fresh()
    made.python.unlink()
    made.python.symlink_to("/nowhere/python")
    assert fresh().python.exists()


def test_two_at_once_make_it_once(project, tmp_path, recorder):
    folder = project({})
    made = []
    threads = [
        threading.Thread(
            target=lambda: made.append(prepare(folder, TESTS, tmp_path / "cache", recorder))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.folder for one in made}) == 1
    assert sum("Creating virtual environment" in line for line in recorder.lines) == 1


def test_the_least_recently_used_are_removed_but_none_that_may_be_in_use(
    project, fresh, tmp_path, monkeypatch
):
    monkeypatch.setattr(environment, "KEPT", 2)
    project({})
    shelf = tmp_path / "cache" / "environments"
    long_ago = time.time() - 2 * environment.IN_USE
    for number in range(4):
        folder = shelf / f"old{number}"
        folder.mkdir(parents=True)
        (folder / ".complete").touch()
        if number < 3:
            os.utime(folder / ".complete", (long_ago + number, long_ago + number))
    made = fresh()
    left = {path.name for path in shelf.iterdir() if path.is_dir()}
    assert left == {"old3", made.folder.name}


@pytest.mark.slow
def test_guests_see_nothing_of_ours(project, fresh, monkeypatch):
    folder = project({})
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTEST_ADDOPTS", "PYTHONOPTIMIZE"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("KEPT", "yes")
    stage = TestsStage(uses="tests", env={"MODE": "stage", "KEPT": "changed"})
    made = prepare(folder, stage, folder.parent / "cache", environment.Report.__new__(Quiet))
    names = made.variables({"MODE": "extra", "MORE": "1"})
    assert (names["MODE"], names["KEPT"], names["MORE"]) == ("stage", "changed", "1")
    assert names["PATH"].split(os.pathsep)[0] == str(made.python.parent)
    assert names["VIRTUAL_ENV"] == str(made.folder)
    assert names["PYTHONPATH"] == str(folder)
    assert not {"PYTHONHOME", "PYTEST_ADDOPTS", "PYTHONOPTIMIZE"} & set(names)
    monkeypatch.undo()
    assert guest(made, "import sys; print(sys.prefix)") == str(made.folder)
    with pytest.raises(subprocess.CalledProcessError):
        guest(made, "import pydantic")


class Quiet(environment.Report):
    def emit(self, event):
        pass

    def log(self, text):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.99", "/nowhere/python"])
def test_no_such_python(project, fresh, python):
    project({})
    with pytest.raises(MissingTool, match=f"there is no Python {python} on this machine"):
        fresh(TestsStage(uses="tests", python=python))


@pytest.mark.slow
def test_no_index(project, fresh, tmp_path, monkeypatch):
    project({"requirements.txt": "toolz==0.12.0\n"})
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(MissingTool, match=r"package index cannot be reached: .*refused"):
        fresh()


@pytest.mark.slow
def test_an_outdated_lock(project, fresh):
    folder = project({"pyproject.toml": PROJECT})
    lock(folder)
    project({"pyproject.toml": PROJECT.replace('"iniconfig"', '"iniconfig", "attrs"')})
    with pytest.raises(WrongInput, match=r"uv\.lock is older than pyproject\.toml; run `uv lock`"):
        fresh()


@pytest.mark.slow
def test_a_broken_lock(project, fresh):
    project({"pyproject.toml": PROJECT, "uv.lock": "nonsense"})
    with pytest.raises(WrongInput, match=r"cannot be made: .*uv\.lock"):
        fresh()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project\n", "is no valid TOML: Expected ']'"),
        (PROJECT.replace("iniconfig", "iniconfig==99"), "no version of iniconfig==99"),
        (PROJECT.replace('["iniconfig"]', '"iniconfig"'), "dependencies"),
    ],
)
def test_a_broken_pyproject(project, fresh, text, said):
    project({"pyproject.toml": text})
    with pytest.raises(WrongInput) as caught:
        fresh()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"requirements": ("dev-requirments.txt",)}, "there are: dev-requirements.txt"),
        ({"groups": ("docz",)}, 'no dependency group "docz"; there are: dev, docs'),
        ({"extras": ("mroe",)}, "mroe"),
    ],
)
def test_wrong_settings(project, fresh, stage, said):
    project({"pyproject.toml": PROJECT, "dev-requirements.txt": ""})
    with pytest.raises(WrongInput) as caught:
        fresh(TestsStage(uses="tests", **stage))
    assert said in str(caught.value)


def test_extras_without_a_project(project, fresh):
    project({})
    with pytest.raises(WrongInput, match=r"has no pyproject\.toml with a \[project\] table"):
        fresh(TestsStage(uses="tests", extras=("more",)))


def test_long_outputs_of_uv_become_one_sentence():
    output = "Resolved 3\nerror: Failed to build `p`\n  cause: It failed\n" + "noise\n" * 90
    error = explain(f"{output}ValueError: no\n\nhint: do something\nmore", "3.12")
    assert isinstance(error, WrongInput)
    assert str(error).startswith("the application's environment cannot be made: Failed to build")
    assert str(error).endswith("ValueError: no")
    assert "hint" not in str(error)
    boxed = "  \u00d7 No solution found:\n  \u2570\u2500\u25b6 Because a\n      and b.\n"
    assert str(explain(boxed, "3")).endswith("No solution found: Because a: and b")
    assert "uv said nothing" in str(explain("", "3"))


@pytest.mark.parametrize(("version", "told"), [("3.1+7", "3.1"), ("0.0.0+7", "0.0.0")])
def test_a_backend_that_asks_git_is_told_the_runs_version(
    project, tmp_path, recorder, version, told
):
    folder = project(
        {
            "pyproject.toml": '[build-system]\nrequires = ["setuptools", "setuptools_scm"]\n'
            'build-backend = "setuptools.build_meta"\n'
            '[project]\nname = "scm-app"\ndynamic = ["version"]\n[tool.setuptools_scm]\n',
            "scm_app.py": "",
        }
    )
    stage = TestsStage(uses="tests")
    made = prepare(folder, stage, tmp_path / "cache", recorder, version=version)
    assert made.versions["scm-app"] == told
