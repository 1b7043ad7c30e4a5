"""What a runner told before it crashed is kept, and the test that was running is named."""

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.tests.run import run

pytestmark = pytest.mark.slow

DEATHS = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "ended by signal 11"),
    "exit at once": ("import os; os._exit(0)", "ended with exit code 0"),
    "killed": ("import os, signal; os.kill(os.getpid(), 9)", "where memory is short"),
    "interrupt": ("raise KeyboardInterrupt", ""),
}
FUNCTIONS = "def test_a(): pass\ndef test_b():\n    {death}\ndef test_c(): pass\n"
CASES = (
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
    "    def test_b(self):\n        {death}\n    def test_c(self): pass\n"
)
PROJECTS = {
    "pytest": {"pytest.ini": "[pytest]\n", "test_x.py": FUNCTIONS},
    "unittest": {"test_x.py": CASES},
    "nose2": {"unittest.cfg": "[unittest]\n", "test_x.py": CASES},
}


@pytest.fixture
def fail(project, make_job, recorder):
    """Return what a tests stage says of a project that must fail."""

    def start(files, **settings):
        project(files)
        with pytest.raises(StageFailed) as caught:
            run(make_job({"uses": "tests"} | settings), recorder)
        return str(caught.value)

    return start


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("runner", PROJECTS)
def test_results_before_a_crash_are_kept_and_the_test_is_named(fail, recorder, runner, death):
    code, told = DEATHS[death]
    files = {name: text.replace("{death}", code) for name, text in PROJECTS[runner].items()}
    said = fail(files)
    found = {name.rpartition("test_")[2]: one.status for name, one in recorder.tests.items()}
    assert found["a"] == "passed"
    assert "test_b" in said
    assert told in said
    if death != "interrupt":
        assert found == {"a": "passed", "b": "error"}
        assert "1 of 2 tests failed" in said


def test_a_test_that_raises_exit_is_one_failure_of_all(fail):
    for files in (PROJECTS["pytest"], PROJECTS["unittest"]):
        code = "import sys; sys.exit(0)"
        said = fail({name: text.replace("{death}", code) for name, text in files.items()})
        assert "1 of 3 tests failed" in said


def test_results_before_the_time_was_over_are_kept(fail, recorder):
    files = {"test_x.py": CASES.replace("{death}", "import time; time.sleep(600)")}
    said = fail(files, timeout=30)
    assert "unittest was stopped as its time was over while test_x.T.test_b ran" in said
    assert "1 of 3 tests had ended" in said
    assert recorder.tests["unittest test_x.T.test_a"].status == "passed"
    assert "was stopped while this test ran" in recorder.tests["unittest test_x.T.test_b"].message


# No false green.

INI = {"pytest.ini": "[pytest]\n"}
THREE = "def test_a(): pass\ndef test_b(): {b}\ndef test_c(): assert 0\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param(
            {"test_x.py": THREE.replace("{b}", "import pytest; pytest.exit('enough', 0)")},
            "was stopped while test_x.py::test_b ran after 1 of 3 tests: Exit: enough",
            id="pytest.exit with 0",
        ),
        pytest.param(
            {"test_x.py": "import pytest\npytest.exit('never', returncode=0)\n"},
            "Exit: never",
            id="pytest.exit while collecting",
        ),
        pytest.param(
            {"test_x.py": THREE, "conftest.py": "import sys\nsys.exit(0)\n"},
            "exit code 0 and left no results",
            id="sys.exit in a conftest",
        ),
        pytest.param(
            {"test_x.py": THREE, "conftest.py": "def pytest_runtestloop(session): return True\n"},
            "3 of 3 collected tests of pytest did not run",
            id="a loop that runs nothing",
        ),
        pytest.param(
            {
                "test_x.py": THREE,
                "conftest.py": "def pytest_collection_modifyitems(items): items[:] = []\n",
            },
            "found 3 tests in {here} and ran none: all were deselected",
            id="all deselected",
        ),
        pytest.param(
            {"test_x.py": THREE, "pytest.ini": "[pytest]\naddopts = --collect-only\n"},
            "found no test",
            id="only collected",
        ),
        pytest.param(
            {
                "test_x.py": "import missing\n",
                "test_y.py": "def test_a(): pass\n",
                "pytest.ini": "[pytest]\naddopts = --continue-on-collection-errors\n",
                "conftest.py": "def pytest_sessionfinish(session): session.exitstatus = 0\n",
            },
            "1 of 2 tests failed: pytest test_x.py",
            id="errors of collection passed over",
        ),
        pytest.param(
            {
                "test_x.py": "import os, re, sys\ndef test_a(): pass\ndef test_b():\n"
                "    place = next(one for one in sys.argv if 'junitxml' in one).partition('=')[2]\n"
                '    case = \'<testsuite><testcase classname="test_x" name="test_a"/></testsuite>\''
                "\n    open(place, 'w').write(case)\n    os._exit(0)\n"
            },
            "exit code 0 while test_x.py::test_b ran",
            id="results of its own making",
        ),
        pytest.param(
            {
                "test_x.py": THREE.replace("{b}", "pass"),
                "conftest.py": "import atexit, re, sys, os\n"
                "place = next(one for one in sys.argv if 'junitxml' in one).partition('=')[2]\n"
                "def mend():\n"
                "    text = open(place).read()\n"
                "    text = re.sub(r'<failure.*?</failure>', '', text, flags=re.S)\n"
                "    open(place, 'w').write(text)\n"
                "    os._exit(0)\n"
                "atexit.register(mend)\n",
            },
            "test_x.py::test_c failed, though the results of pytest do not say so",
            id="results mended afterwards",
        ),
    ],
)
def test_what_pytest_leaves_out_is_never_green(fail, project, files, told):
    said = fail(INI | files)
    assert told.replace("{here}", said.partition(" in ")[2].partition(" and ran")[0]) in said


def test_unittest_that_is_told_to_stop_is_not_green(fail):
    stop = "import unittest\nclass T(unittest.TestCase):\n    def run(self, result=None):\n"
    stop += "        super().run(result)\n        result.stop()\n"
    stop += "    def test_a(self): pass\n    def test_b(self): self.fail()\n"
    said = fail({"test_x.py": stop})
    assert "unittest was stopped after 1 of 2 tests" in said


def test_tests_that_are_deselected_are_counted(project, make_job, recorder):
    project({"pytest.ini": "[pytest]\naddopts = -k test_a\n", "test_x.py": THREE})
    run(make_job({"uses": "tests"}), recorder)
    assert "2 of 3 tests of pytest did not run: they were deselected" in str(recorder.notices)


def test_the_configuration_of_a_folder_above_is_not_the_projects(
    project, recorder, make_job, monkeypatch
):
    """A site in a repository of its own has checkouts below it."""
    folder = project(
        {
            "pytest.ini": "[pytest]\naddopts = -k nothing\n",
            "conftest.py": "raise RuntimeError('not the project')\n",
            "state/app/test_a.py": "import pytest\ndef test_a(here): assert here\n",
            "state/app/tests/test_b.py": "def test_b(): pass\n",
            "state/app/conftest.py": "import pytest\n@pytest.fixture\ndef here(): return 1\n",
        }
    )
    monkeypatch.chdir(folder / "state" / "app")
    run(make_job({"uses": "tests"}), recorder)
    assert set(recorder.tests) == {"pytest test_a.py::test_a", "pytest tests/test_b.py::test_b"}


SUBTESTS = (
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
    "        for text in ('29.02.2024', '', 'x (y) .z'):\n"
    "            with self.subTest(text=text): {body}\n"
    "    def test_b(self): pass\n"
)


@pytest.mark.parametrize("runner", ["pytest", "unittest", "nose2"])
def test_subtests_that_pass_are_green_and_one_that_fails_is_red(
    project, make_job, recorder, runner
):
    job = make_job({"uses": "tests", "suites": [{"runner": runner}]})
    project({"test_x.py": SUBTESTS.replace("{body}", "self.assertIsNotNone(text)")})
    run(job, recorder)
    assert {one.status for one in recorder.tests.values()} == {"passed"}
    recorder.events.clear()
    project({"test_x.py": SUBTESTS.replace("{body}", "self.assertTrue(text)")})
    with pytest.raises(StageFailed) as caught:
        run(job, recorder)
    assert "failed" in str(caught.value)
    assert "do not say so" not in str(caught.value)
