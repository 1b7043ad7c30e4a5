"""The record that a traced program leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.scripts.stages.freeze import trace as tracing
from slipway.scripts.stages.freeze.learned import read_trace

pytestmark = pytest.mark.slow

FOLDER = tracing._TRACING


@pytest.fixture
def traced(tmp_path):
    def run(code, *, path=(), code_is=0):
        # In a folder of its own, as for a stage: what is beside the record passes with the run.
        record = tmp_path / "run" / "record"
        record.parent.mkdir(exist_ok=True)
        env = {
            **os.environ,
            "SLIPWAY_TRACE": str(record),
            "PYTHONPATH": os.pathsep.join([str(FOLDER), str(tmp_path), *map(str, path)]),
        }
        words = [sys.executable, "-c", code]
        done = subprocess.run(
            words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code_is, done.stderr
        return read_trace(record, "w"), done.stdout

    return run


def test_imports_by_statement_and_by_name(traced, tmp_path):
    (tmp_path / "by_name.py").write_text("")
    found, _ = traced("import wsgiref.util, importlib; importlib.import_module('by_name')")
    assert {"wsgiref", "wsgiref.util", "by_name"} <= set(found.modules)


def test_files_folders_and_libraries(traced, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("x")
    found, _ = traced(
        f"import os, ctypes; open({str(note)!r}).read(); os.listdir({str(tmp_path)!r});"
        f"ctypes.CDLL(None); open({str(tmp_path / 'written')!r}, 'w')"
    )
    assert str(note) in found.files
    assert str(tmp_path / "written") not in found.files
    assert str(tmp_path) in found.folders


def test_what_crashes_has_been_recorded(traced):
    found, _ = traced("import wsgiref; import os; os._exit(9)", code_is=9)
    assert "wsgiref" in found.modules


def test_children_are_recorded_too(traced):
    found, _ = traced(
        "import os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import wsgiref'], check=True)"
        "\nif os.fork() == 0:\n import imaplib\n os._exit(0)\nos.wait()"
    )
    assert {"wsgiref", "imaplib"} <= set(found.modules)


def test_a_program_that_closes_what_it_did_not_open(traced, tmp_path):
    found, _ = traced(
        "import os; os.closerange(3, 256)\n"
        "with open('own', 'w') as own:\n own.write('mine'); own.flush(); import wsgiref\n"
    )
    assert "wsgiref" in found.modules
    assert (tmp_path / "own").read_text() == "mine"


def test_the_hidden_sitecustomize_is_loaded(traced, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.mine = 'heard'")
    _, said = traced("import sys; print(sys.mine, sys.modules['sitecustomize'].__file__)")
    assert said.split() == ["heard", str(tmp_path / "sitecustomize.py")]


def test_a_program_sees_no_folder_of_ours(traced):
    _, said = traced("import sys; print(sys.path)")
    assert str(FOLDER) not in said


def test_a_record_that_cannot_be_written_disturbs_nothing(tmp_path):
    env = {**os.environ, "SLIPWAY_TRACE": "/nosuch/folder/record", "PYTHONPATH": str(FOLDER)}
    words = [sys.executable, "-c", "import wsgiref; print('fine')"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_it_runs_in_old_pythons_too():
    # No annotation that an old Python would evaluate, no module that it would load.
    text = Path(FOLDER, "sitecustomize.py").read_text()
    lines = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert lines == ["import os", "import sys"]
