"""The journal and the file of results tell of the same tests, by the same names."""

import contextlib
import json

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.tests.journal import read_journal
from slipway.scripts.stages.tests.run import run

MIXED_IN = {
    "pytest.ini": "[pytest]\n",
    "tests/__init__.py": "class Mixin:\n    def test_a(self): assert self.good\n",
    "tests/test_x.py": "from tests import Mixin\nclass TestOne(Mixin): good = True\n"
    "class TestTwo(Mixin): good = True\nclass TestThree(Mixin): good = True\n",
}


@pytest.mark.slow
def test_a_method_that_three_classes_inherit_is_three_tests(project, make_job, recorder):
    project(MIXED_IN)
    run(make_job({"uses": "tests"}), recorder)
    assert set(recorder.tests) == {
        f"pytest tests/test_x.py::{name}::test_a" for name in ("TestOne", "TestTwo", "TestThree")
    }


SIDE_BY_SIDE = {
    "requirements-dev.txt": "pytest\npytest-xdist\npytest-rerunfailures\n",
    "pytest.ini": "[pytest]\naddopts = -n 2 --reruns 1\n",
    "test_x.py": "import os, pathlib\ndef test_a(): pass\ndef test_b(): {b}\n"
    "def test_flaky():\n    seen = pathlib.Path('seen')\n"
    "    assert seen.exists() or seen.touch()\n",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("b", "said"),
    [
        pytest.param("pass", "", id="green"),
        pytest.param("assert 0", "1 of 3 tests failed", id="red"),
        pytest.param("os._exit(0)", "crashed while running", id="a crash"),
    ],
)
def test_tests_side_by_side_and_tried_again_are_counted_once(project, make_job, recorder, b, said):
    project({name: text.replace("{b}", b) for name, text in SIDE_BY_SIDE.items()})
    with pytest.raises(StageFailed, match=said) if said else contextlib.nullcontext():
        run(make_job({"uses": "tests"}), recorder)
    assert len(recorder.tests) == 3
    assert recorder.tests["pytest test_x.py::test_flaky"].status == "passed"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[1, 2]", id="no object"),
        pytest.param('{"ended": {"name": ', id="cut off"),
        pytest.param('{"collected": -4, "found": true}', id="wrong numbers"),
        pytest.param('{"collected": 1e99}', id="no whole number"),
        pytest.param("[" * 20_000, id="deep"),
        pytest.param('{"began": 3, "finished": [], "stopped": 4, "code": "0"}', id="wrong kinds"),
        pytest.param("\0\0\0", id="zeros"),
    ],
)
def test_lines_that_no_plugin_wrote_are_passed_over(tmp_path, line):
    path = tmp_path / "journal.jsonl"
    good = {"ended": {"classname": "test_a", "name": "test_x", "file": "test_a.py"}, "kind": None}
    path.write_text(f"{line}\n{json.dumps(good)}\n{line}\n")
    told = read_journal(path, "pytest", tmp_path, str, "ended")
    assert [one.name for one in told.results] == ["test_a.py::test_x"]
    assert (told.collected, told.code, told.stopped) == (0, None, "")


def test_a_kind_that_is_none_is_an_error_and_secrets_are_masked(tmp_path):
    path = tmp_path / "journal.jsonl"
    line = {"ended": {"classname": "a", "name": "b"}, "kind": "pass", "text": "hunter2"}
    path.write_text(json.dumps(line) + "\n" + json.dumps({"stopped": "hunter2"}) + "\n")
    told = read_journal(path, "s", tmp_path, lambda text: text.replace("hunter2", "***"), "ended")
    assert told.results[0].status == "error"
    assert "hunter2" not in told.results[0].message + told.stopped
