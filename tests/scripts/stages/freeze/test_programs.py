"""What is frozen: a script, a module, a function, and under which name."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from slipway.model.errors import WrongInput
from slipway.scripts.stages.freeze.programs import (
    own_packages,
    resolve_programs,
    write_launchers,
)
from slipway.scripts.stages.freeze.smoke_runs import plan_starts
from slipway.scripts.stages.freeze.stage import FreezeStage

PYPROJECT = """
[project]
name = "tool"
version = "1"

[project.scripts]
tool = "pkg.cli:main"
tool-admin = "pkg.cli:App.admin"

[project.gui-scripts]
tool-window = "pkg.window:show"
"""
CLI = """
import sys


def main():
    print("main", sys.argv[1:], __name__)
    return 3


class App:
    @staticmethod
    def admin():
        print("admin")
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "run.py": "",
    "src/pkg/__init__.py": "",
    "src/pkg/__main__.py": "from . import cli\nprint(__package__, __spec__.name, cli.__name__)\n",
    "src/pkg/cli.py": CLI,
    "src/pkg/window.py": "def show(): pass\n",
    "src/pkg/deep/__init__.py": "",
    "src/pkg/deep/start.py": "from ..cli import main\n",
    "tests/__init__.py": "",
}


@pytest.fixture
def source(project):
    return project(FILES)


def programs(source, **settings):
    return resolve_programs(source, FreezeStage(uses="freeze", **settings), "almanac")


def facts(source, **settings):
    return [(one.name, one.what, one.gui) for one in programs(source, **settings)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"script": "run.py"}, [("almanac", "run.py", False)]),
        ({"script": "run.py", "name": "x"}, [("x", "run.py", False)]),
        ({"script": "src/pkg/__main__.py"}, [("almanac", "-m pkg.__main__", False)]),
        ({"script": "src/pkg/deep/start.py"}, [("almanac", "-m pkg.deep.start", False)]),
        ({"entry": "pkg.cli:main"}, [("almanac", "pkg.cli:main", False)]),
        ({"entry": "other.cli:main"}, [("almanac", "other.cli:main", False)]),
        ({"entry": "tool-window"}, [("tool-window", "pkg.window:show", True)]),
        ({"entry": "tool", "name": "y", "gui": True}, [("y", "pkg.cli:main", True)]),
        ({"entry": "pkg"}, [("pkg", "-m pkg.__main__", False)]),
        (
            {"entry": ["tool-admin", "tool"]},
            [("tool-admin", "pkg.cli:App.admin", False), ("tool", "pkg.cli:main", False)],
        ),
        (
            {},
            [
                ("tool", "pkg.cli:main", False),
                ("tool-admin", "pkg.cli:App.admin", False),
                ("tool-window", "pkg.window:show", True),
            ],
        ),
    ],
)
def test_what_is_frozen(source, settings, expected):
    assert facts(source, **settings) == expected


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"entry": "tol"}, 'entry: "tol" is no script of pyproject.toml.*declares tool'),
        ({"entry": "pkg.cli"}, "not written as"),
        ({"entry": "pkg.nosuch:main"}, "there is no pkg/nosuch.py in .*src"),
        ({"entry": "../x:main"}, "is no script"),
        ({"entry": "pkg.cli:main()"}, "is no script"),
        ({"entry": ["pkg.cli:main", "pkg.window:show"]}, 'two executables .* named "pkg"'),
        ({"entry": "nothing"}, "is no script"),
    ],
)
def test_wrong_entries(source, settings, said):
    with pytest.raises(WrongInput, match=said):
        programs(source, **settings)


def test_names_that_are_alike(project):
    text = '[project.scripts]\nmy-tool = "pkg.cli:a"\nMy_tool = "pkg.cli:b"\n'
    with pytest.raises(WrongInput, match='named "my-tool", or alike'):
        programs(project({"pyproject.toml": text}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.poetry.scripts]\ntool = "pkg.cli:main"\n'),
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n    tool = pkg.cli:main\n"),
    ],
)
def test_entry_points_of_other_builders(project, name, text):
    assert facts(project({name: text})) == [("tool", "pkg.cli:main", False)]


def test_scripts_that_are_none_or_elsewhere(project, tmp_path):
    folder = project({"setup.cfg": "[broken"})
    (tmp_path / "elsewhere.py").write_text("")
    with pytest.raises(WrongInput, match="is no Python script"):
        programs(folder, script="setup.cfg")
    with pytest.raises(WrongInput, match="leads out of"):
        programs(folder, script=str(tmp_path / "elsewhere.py"))


def test_nothing_is_named(project):
    with pytest.raises(
        WrongInput, match=r"write script = or entry = into the stage; .*no \[project"
    ):
        programs(project({"a.py": ""}))


@pytest.mark.parametrize("name", ["../up", "a/b", "-x", "a b", "", "lib", "Share"])
def test_names_that_are_no_file_names(project, name):
    folder = project({"pyproject.toml": f'[project.scripts]\n"{name}" = "pkg.cli:main"\n'})
    with pytest.raises(WrongInput, match="cannot be the name of an executable"):
        programs(folder)


def test_a_script_and_an_entry():
    with pytest.raises(ValidationError, match="take it out where there is an entry"):
        FreezeStage(uses="freeze", script="a.py", entry="a:b")


def test_own_packages_are_those_with_an_init(source):
    assert own_packages(source) == ["pkg"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ("pkg.cli:main", 3, "main ['-v', '--multiprocessing-fork'] pkg.cli"),
        ("tool-admin", 0, "admin"),
        ("pkg", 0, "pkg pkg.__main__ pkg.cli"),
    ],
)
def test_launchers_start_what_they_name(source, tmp_path, entry, code, said):
    (program,) = programs(source, entry=entry)
    script = write_launchers([program], tmp_path / "start")[program.name]
    # Without multiprocessing in it, an argument of its children is any other.
    words = [sys.executable, "-c", RUN, str(source / "src"), str(script), "-v"]
    done = subprocess.run(
        [*words, "--multiprocessing-fork"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (code, said), done.stderr


#: As a frozen program is started, without the modules that Python's own path would offer.
RUN = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.modules["multiprocessing"] = None
script = sys.argv[2]
sys.argv[:] = sys.argv[2:]
runpy.run_path(script, run_name="__main__")
"""


def starts(source, **settings):
    stage = FreezeStage(uses="freeze", **settings)
    return plan_starts(stage, resolve_programs(source, stage, "almanac"))


def test_each_console_program_is_asked_and_a_windowed_one_started(source):
    assert [one.command for one in starts(source)] == [
        "tool --help",
        "tool --version",
        "tool-admin --help",
        "tool-admin --version",
        "tool-window",
    ]
    assert all(one.as_unfrozen for one in starts(source))


def test_runs_as_the_settings_say(source):
    runs = [{"arguments": ["list"], "expect": "3", "exit-code": 1}, {"program": "tool-admin"}]
    first, second = starts(source, smoke=runs)
    assert (first.command, first.expect, first.code) == ("tool list", "3", 1)
    assert (second.command, second.as_unfrozen) == ("tool-admin", False)
    assert [one.command for one in starts(source, smoke=["-V"])] == ["tool -V"]
    assert [one.command for one in starts(source, smoke=[])] == ["tool"]
    assert starts(source, smoke=False) == ()


def test_a_run_of_a_program_that_is_not_frozen(source):
    with pytest.raises(WrongInput, match='smoke: there is no program "x"; there are tool, tool-a'):
        starts(source, smoke=[{"program": "x"}])
