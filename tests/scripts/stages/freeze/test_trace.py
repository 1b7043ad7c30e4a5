"""What the tests of an application use is learned, whatever they do."""

import os
import sys
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.stages.freeze import trace
from slipway.scripts.stages.freeze.stage import FreezeStage

STAGE = FreezeStage(uses="freeze", script="x.py")


@pytest.fixture
def here(monkeypatch, tmp_path):
    """The tests run with this Python."""

    def prepare(source, stage, cache, report, tools=(), version=""):
        assert stage.takes_default_groups
        assert tools == ["pytest"]
        return Environment(tmp_path / "venv", Path(sys.executable), source)

    monkeypatch.setattr(trace, "prepare", prepare)


def traced(source, recorder, tmp_path):
    return trace.trace_tests(source, STAGE, tmp_path, recorder)


def test_a_project_without_tests(project, recorder, tmp_path):
    assert not traced(project({"x.py": ""}), recorder, tmp_path)
    assert recorder.notices == []


@pytest.mark.slow
def test_modules_and_files_of_the_copy_are_those_of_the_project(here, project, recorder, tmp_path):
    code = (
        "from pathlib import Path\n\n\ndef test_it():\n"
        "    import wsgiref\n    Path('a.txt').read_text()\n"
    )
    folder = project({"tests/test_a.py": code, "a.txt": "a"})
    found = traced(folder, recorder, tmp_path)
    assert "wsgiref" in found.modules
    assert recorder.notices == []
    (folder / "a.txt").unlink()
    traced(folder, recorder, tmp_path)
    # Failed tests are another stage's business.
    assert recorder.notices == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos._exit(9)\n", "pytest ended with 9"),
        ("import os\nos.abort()\n", "pytest ended with -6"),
    ],
)
def test_tests_that_end_the_process_are_told(here, project, recorder, tmp_path, code, told):
    traced(project({"tests/test_a.py": code}), recorder, tmp_path)
    (notice,) = recorder.notices
    assert told in notice


@pytest.mark.slow
def test_tests_that_hang_are_stopped(here, project, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(trace, "_TESTS_PATIENCE", 3.0)
    code = "import time\n\n\ndef test_it():\n    time.sleep(60)\n"
    traced(project({"tests/test_a.py": code}), recorder, tmp_path)
    assert "did not end within" in recorder.notices[0]


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes in folders elsewhere")
def test_what_cannot_be_copied_is_told(here, project, recorder, tmp_path):
    folder = project({"tests/test_a.py": ""})
    os.mkfifo(folder / "pipe")
    traced(folder, recorder, tmp_path)
    assert "is a named pipe" in recorder.notices[0]


def test_an_environment_that_cannot_be_made_is_told(project, recorder, tmp_path, monkeypatch):
    def prepare(*_, **__):
        raise MissingTool("the package index is unreachable")

    monkeypatch.setattr(trace, "prepare", prepare)
    traced(project({"tests/test_a.py": ""}), recorder, tmp_path)
    assert "the package index is unreachable" in recorder.notices[0]
