"""The tests stage on small projects: found by looking, run for real, judged twice."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import ArtefactLeft
from slipway.scripts.stages.tests import suites
from slipway.scripts.stages.tests.run import run
from slipway.scripts.stages.tests.stage import TestsStage

pytestmark = pytest.mark.slow

GOOD = "import unittest\nclass T(unittest.TestCase):\n    def test_good(self): pass\n"
BAD = GOOD + "    def test_bad(self): self.assertEqual(1, 2)\n"


@pytest.fixture
def stage(project, make_job, recorder):
    def start(files, **settings):
        project(files)
        run(make_job({"uses": "tests"} | settings), recorder)
        return recorder

    return start


def failure(stage, files, **settings):
    with pytest.raises(StageFailed) as caught:
        stage(files, **settings)
    return str(caught.value)


def test_named_suites_get_names_of_their_own():
    named = [{"runner": "pytest"}, {"runner": "pytest"}, {"runner": "nose2", "name": "slow"}]
    planned = suites.configured(TestsStage(uses="tests", suites=named))
    assert [one.name for one in planned] == ["pytest", "pytest-2", "slow"]


def test_no_test_anywhere(stage):
    said = failure(stage, {"app.py": ""})
    assert "found no test in" in said
    assert "test*.py or *_test.py" in said


# unittest, which needs no tool in the environment.


def test_unittest_passes(stage):
    said = stage({"tests/test_a.py": GOOD, "pkg/__init__.py": "", "pkg/test_b.py": GOOD})
    assert sorted(said.tests) == ["unittest pkg.test_b.T.test_good", "unittest test_a.T.test_good"]
    one = said.tests["unittest test_a.T.test_good"]
    assert (one.status, one.file, one.line) == ("passed", "tests/test_a.py", 3)
    assert said.closing.text.startswith("2 tests: 2 passed in ")
    assert said.closing.text.endswith("(unittest 2)")
    assert said.closing.facts["suites"]["unittest"]["passed"] == 2
    assert said.closing.facts["python"].startswith("3.")


def test_unittest_dialect(stage):
    text = """
import unittest
class S(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("no database")
    def test_never(self): pass
class T(unittest.TestCase):
    def test_error(self): 1/0
    @unittest.skip("later")
    def test_skip(self): pass
    @unittest.expectedFailure
    def test_xfail(self): self.fail()
    @unittest.expectedFailure
    def test_xpass(self): pass
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(i, 1)
    def test_odd_text(self): self.fail("\\x00\\x1b")
class D(unittest.TestCase):
    def test_twice(self): self.fail("one")
    def tearDown(self): raise ValueError("two")
"""
    with pytest.raises(StageFailed, match=r"^7 of 9 tests failed: "):
        stage({"test_a.py": text, "test_import.py": "import nosuch\n"})


def test_failures_are_named_and_results_are_left(stage, recorder, tmp_path):
    said = failure(stage, {"test_a.py": BAD})
    assert said == "1 of 2 tests failed: unittest test_a.T.test_bad (AssertionError: 1 != 2)"
    left = {one.name: one for one in recorder.of(ArtefactLeft)}
    assert set(left) == {"unittest.xml", "tests.json"}
    assert {one.role for one in left.values()} == {"report"}
    common = json.loads(Path(left["tests.json"].path).read_text())
    assert {one["name"]: one["status"] for one in common} == {
        "test_a.T.test_bad": "failed",
        "test_a.T.test_good": "passed",
    }
    assert recorder.closing.text.startswith("2 tests: 1 failed, 1 passed in ")


def test_only_five_failures_are_named(stage):
    many = "".join(f"    def test_{n}(self): self.fail()\n" for n in range(7))
    said = failure(stage, {"test_a.py": GOOD + many})
    assert said.startswith("7 of 8 tests failed: ")
    assert said.endswith(", and 2 more")


def test_all_skipped_is_passed_but_noticed(stage):
    text = GOOD.replace("    def", "    @unittest.skip('no')\n    def")
    said = stage({"test_a.py": text})
    assert "all 1 tests of unittest were skipped: nothing was tested" in said.notices
    assert said.closing.text.startswith("1 test: 1 skipped in ")


def test_no_case_in_a_suite(stage):
    said = failure(stage, {"test_a.py": "x = 1\n"})
    assert "unittest found no test in" in said
    assert "unittest.TestCase classes in files test*.py" in said


def test_an_interpreter_that_dies_is_told_with_its_test(stage):
    said = failure(stage, {"test_a.py": GOOD + "    def test_x(self): import os; os._exit(0)\n"})
    assert "unittest ended with exit code 0 while test_a.T.test_x ran after 1 of 2 tests" in said
    said = failure(stage, {"test_a.py": GOOD + "    def test_x(self): import os; os.abort()\n"})
    assert "unittest was ended by signal 6 while test_a.T.test_x ran after 1 of 2 tests" in said


def test_unittest_arguments(stage):
    files = {"a/test_a.py": BAD, "b/test_b.py": GOOD}
    named = [
        {"runner": "unittest", "arguments": ["b"]},
        {"runner": "unittest", "arguments": ["-k", "good", "a.test_a"]},
    ]
    said = stage(files, suites=named)
    assert sorted(said.tests) == [
        "unittest test_b.T.test_good",
        "unittest-2 a.test_a.T.test_good",
    ]


def test_long_messages_fit_into_an_event(stage, recorder):
    failure(stage, {"test_a.py": GOOD + "    def test_long(self): self.fail('\\u0105' * 9000)\n"})
    assert len(recorder.tests["unittest test_a.T.test_long"].message) > 8000


# pytest and nose2, installed as tools into one environment.

BOTH = {
    "pytest.ini": "[pytest]\ntestpaths = tests\n",
    "unittest.cfg": "[unittest]\nstart-dir = nose\n",
    "tests/test_p.py": "def test_p(): pass\n",
    "nose/__init__.py": "",
    "nose/test_n.py": GOOD,
}


@pytest.fixture(scope="session")
def shared_project(tmp_path_factory):
    return tmp_path_factory.mktemp("suites") / "project"


@pytest.fixture
def both(shared_project, make_job, recorder, monkeypatch):
    """Run in one folder for all tests, so that its environment is made once."""

    def start(files, **settings):
        shutil.rmtree(shared_project, ignore_errors=True)
        for name, text in (BOTH | files).items():
            (shared_project / name).parent.mkdir(parents=True, exist_ok=True)
            (shared_project / name).write_text(text)
        monkeypatch.chdir(shared_project)
        run(make_job({"uses": "tests"} | settings), recorder)
        return recorder

    return start


@pytest.mark.slow
def test_both_pass(both):
    said = both({})
    assert set(said.tests) == {"pytest tests/test_p.py::test_p", "nose2 nose.test_n.T.test_good"}
    assert said.tests["nose2 nose.test_n.T.test_good"].file == "nose/test_n.py"
    assert said.closing.text.endswith("(pytest 1, nose2 1)")
    facts = said.closing.facts["suites"]
    assert facts["pytest"]["version"].startswith("9.")
    assert facts["nose2"]["version"].startswith("0.")


@pytest.mark.slow
def test_both_fail_in_their_own_ways(both, recorder):
    pytests = "def test_p(): assert [1] == [2], 'lists'\nimport pytest\n@pytest.fixture\n"
    pytests += "def broken(): raise RuntimeError('fixture')\ndef test_f(broken): pass\n"
    nose = BAD + "    @unittest.expectedFailure\n    def test_xpass(self): pass\n"
    said = failure(both, {"tests/test_p.py": pytests, "nose/test_n.py": nose})
    assert said.startswith("4 of 5 tests failed: pytest tests/test_p.py::test_p (AssertionError: ")
    found = recorder.tests
    assert found["pytest tests/test_p.py::test_f"].status == "error"
    assert found["nose2 nose.test_n.T.test_xpass"].status == "failed"


@pytest.mark.slow
def test_import_errors(both, recorder):
    files = {"tests/test_p.py": "import nosuch\n", "nose/test_n.py": "import nosuch\n"}
    said = failure(both, files)
    assert said.startswith("2 of 2 tests failed: pytest tests/test_p.py (ModuleNotFoundError: ")
    assert recorder.tests["nose2 nose.test_n"].status == "error"


@pytest.mark.slow
def test_no_case_in_either(both):
    said = failure(both, {"tests/test_p.py": "", "nose/test_n.py": ""})
    assert "pytest found no test in" in said
    assert "nose2 found no test in" in said
    assert "(nose2 was chosen: unittest.cfg)" in said


@pytest.mark.slow
def test_a_green_xml_with_a_red_exit_code_is_a_failure(both):
    hook = "def pytest_sessionfinish(session): session.exitstatus = 3\n"
    said = failure(both, {"conftest.py": hook})
    assert "pytest ended with exit code 3 although no test of its results failed" in said


@pytest.mark.slow
def test_a_red_xml_with_a_green_exit_code_is_a_failure(both):
    hook = "def pytest_sessionfinish(session): session.exitstatus = 0\n"
    said = failure(both, {"conftest.py": hook, "tests/test_p.py": "def test_p(): 1/0\n"})
    assert said.startswith("1 of 2 tests failed: pytest tests/test_p.py::test_p")


@pytest.mark.slow
def test_wrong_arguments(both):
    named = [{"runner": "pytest", "arguments": ["--nosuch"]}]
    said = failure(both, {}, suites=named)
    assert "pytest ended with exit code 4 and left no results" in said
    assert "--nosuch" in said


# A test that hangs.

HANG = """
import os, subprocess, sys, time, unittest
class T(unittest.TestCase):
    def test_hang(self):
        sleep = "import time; time.sleep(600)"
        deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + sleep
        for code, alone in ((sleep, False), (sleep, True), (deaf, False)):
            subprocess.Popen([sys.executable, "-c", code, "HERE"], start_new_session=alone)
        start = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]])"
        subprocess.run([sys.executable, "-c", start, sleep, "HERE"], start_new_session=True)
        print("hanging", flush=True)
        time.sleep(600)
"""
DO = """
import sys
from slipway.scripts.report import SequenceReport
from slipway.scripts.stage import main
sys.exit(main("tests", sys.argv[1], SequenceReport()))
"""


def alive(word):
    return [one.pid for one in psutil.process_iter(["cmdline"]) if word in str(one.info["cmdline"])]


def test_a_hanging_test_ends_with_its_whole_tree(project, make_job, tmp_path):
    folder = project({"test_hang.py": HANG.replace("HERE", f"{tmp_path}/mark")})
    settings = tmp_path / "job.json"
    settings.write_text(make_job({"uses": "tests", "timeout": 42}).model_dump_json())
    done = subprocess.run(
        [sys.executable, "-c", DO, settings],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "unittest was stopped as its time was over while test_hang.T.test_hang ran" in done.stdout
    )
    assert "hanging" in done.stdout
    # What a dead parent left belongs to the stage on Linux alone.
    assert sys.platform != "linux" or alive(f"{tmp_path}/mark") == []
