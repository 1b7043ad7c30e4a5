"""The runner is chosen by what the tests are, and what no suite looks into is told of."""

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.tests import suites
from slipway.scripts.stages.tests.run import run

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


# Finding.


@pytest.mark.parametrize(
    ("files", "runners"),
    [
        ({"pytest.ini": "[pytest]\n"}, ["pytest"]),
        ({"tox.ini": "[pytest]\n"}, ["pytest"]),
        ({"tox.ini": "[tox]\n"}, []),
        ({"setup.cfg": "[tool:pytest]\n"}, ["pytest"]),
        ({"setup.cfg": "nonsense"}, []),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, ["pytest"]),
        ({"tests/conftest.py": ""}, ["pytest"]),
        ({"venv/pyvenv.cfg": "", "venv/conftest.py": "", ".x/conftest.py": ""}, []),
        ({"unittest.cfg": ""}, ["nose2"]),
        ({"nose2.cfg": "", "conftest.py": ""}, ["pytest", "nose2"]),
        ({"pyproject.toml": "[tool.nose2]\n"}, ["nose2"]),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["nose2>=0.15"]\n'}, ["nose2"]),
        ({"pyproject.toml": '[dependency-groups]\ndev = [{include-group = "x"}]\n'}, []),
        ({"requirements-dev.txt": "# x\nPyTest[all]==9\n-r other\n"}, ["pytest"]),
        ({}, []),
    ],
)
def test_suites_are_found_by_looking(project, files, runners):
    assert [one.runner for one in suites.find(project(files))] == runners


def test_without_a_word_the_environment_decides(project):
    folder = project({"tests/test_a.py": ""})
    assert suites.guess(folder, {"pytest": "9"})[0].runner == "pytest"
    assert suites.guess(folder, {})[0].runner == "unittest"


FUNCTION = "def test_new():\n    assert 1 == 2\n"


@pytest.mark.parametrize(
    ("files", "runners", "why"),
    [
        ({"tests/test_a.py": GOOD + FUNCTION}, ["pytest"], "would not find test_new in tests/t"),
        ({"test_a.py": GOOD, "test_b.py": FUNCTION}, ["pytest"], "test_new in test_b.py"),
        ({"test_a.py": "class TestA:\n  def test_x(self): pass\n"}, ["pytest"], "TestA.test_x"),
        ({"test_a.py": GOOD + "import pytest\n"}, ["pytest"], "is written for pytest"),
        ({"a_test.py": GOOD}, ["pytest"], "would not look into a_test.py"),
        (
            {"test_a.py": "from mine import Base\nclass TestA(Base):\n  def test_x(self): pass\n"},
            ["pytest"],
            "TestA.test_x",
        ),
        ({"test_a.py": GOOD}, [], ""),
        ({"test_a.py": GOOD.replace("class T(", "class Test("), "tests/test_b.py": GOOD}, [], ""),
        ({"test_a.py": GOOD + "class U(T):\n def test_x(self): 1"}, [], ""),
        ({"test_a.py": FUNCTION, "nose2.cfg": ""}, ["nose2"], "nose2.cfg"),
        ({"test_a.py": "def test_a(app): 1\n", "nose2.cfg": ""}, ["nose2"], "nose2.cfg"),
        ({"test_a.py": "def (", "test_b.py": "\0", "test_c.py": GOOD}, [], ""),
        ({"Pipfile": '[dev-packages]\npytest = "*"\n', "test_a.py": GOOD}, ["pytest"], "depend"),
        ({"tox.ini": "[testenv]\ndeps = pytest\n", "test_a.py": GOOD}, ["pytest"], "in the dep"),
        (
            {"pyproject.toml": '[tool.poetry.group.dev.dependencies]\npytest = "^8"\n'},
            ["pytest"],
            "in the dependencies",
        ),
    ],
)  # fmt: skip
def test_the_tests_themselves_decide(project, files, runners, why):
    planned = suites.find(project(files))
    assert [one.runner for one in planned] == runners
    assert why in (planned[0].why if planned else "")


def test_a_function_that_fails_beside_a_class_that_passes_is_no_green(stage):
    """One TestCase that passes and one function that fails, and pytest is named nowhere."""
    said = failure(stage, {"test_old.py": GOOD, "test_new.py": FUNCTION})
    assert "1 of 2 tests failed" in said
    assert "test_new" in said


def test_classes_in_files_of_all_names_run_beside_functions(stage):
    files = {"tests.py": BAD, "test_new.py": "def test_new(): pass\n", "old_test.py": GOOD}
    said = failure(stage, files)
    assert "1 of 4 tests failed" in said


def test_tests_that_no_suite_looks_into_are_told(stage, recorder):
    files = {"test_a.py": "def test_a(): pass\n", "tests.py": BAD}
    stage(files | {"requirements-dev.txt": "pytest\n"})
    told = [one.text for one in recorder.events if getattr(one, "level", "") == "warning"]
    assert "no test ran of tests.py, though there are some; pytest did not find them" in told[0]


@pytest.mark.parametrize(
    "files",
    [
        {"shop/__init__.py": "", "shop/testing.py": "import unittest\nCase = unittest.TestCase\n",
         "shop/tests.py": "from shop.testing import Case\nclass CartTests(Case):\n"
         "    def test_bad(self): self.fail()\n"},
        {"tests/user_tests.py": "def test_bad(): assert 0\n"},
        {"tests/UserTest.py": BAD},
        {"tests/build/test_b.py": "def test_bad(): assert 0\n"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("suites", [(), ({"runner": "pytest", "arguments": ["-q"]},)])
def test_files_that_nobody_looks_into_are_told_of(stage, recorder, files, suites):
    settings = {"suites": list(suites)} if suites else {}
    if "shop/tests.py" in files and not suites:
        # Chosen by looking, pytest is made to look into files of all names of tests.
        said = failure(stage, {"test_a.py": "import pytest\ndef test_a(): pass\n"} | files)
        assert "CartTests::test_bad" in said
        return
    stage({"test_a.py": "import pytest\ndef test_a(): pass\n"} | files, **settings)
    told = [one.text for one in recorder.events if getattr(one, "level", "") == "warning"]
    assert any(f"no test ran of {list(files)[-1]}" in one for one in told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "class CartTests:\n    def test_bad(self): assert 0\n", "CartTests", id="name"
        ),
        pytest.param(
            "class TestCart:\n    def __init__(self): 1\n    def test_bad(self): assert 0\n",
            "TestCart",
            id="has an __init__",
        ),
        pytest.param(
            "import unittest\nclass Common:\n    def test_bad(self): pass\n"
            "class T(Common, unittest.TestCase): pass\n",
            "",
            id="mixed in",
        ),
    ],
)
@pytest.mark.parametrize("also", [{}, {"requirements-dev.txt": "pytest\n"}])
def test_classes_that_no_runner_takes_are_told_of(stage, recorder, text, told, also):
    stage({"test_a.py": GOOD, "test_b.py": text} | also)
    warned = [one.text for one in recorder.events if getattr(one, "level", "") == "warning"]
    assert (f"no test ran of class {told} in test_b.py" in str(warned)) if told else not warned


def test_paths_that_are_not_there_are_told_of(stage, recorder):
    ini = "[pytest]\ntestpaths = unit nosuch\n"
    stage({"unit/test_a.py": GOOD, "more/test_b.py": GOOD, "pytest.ini": ini})
    warned = [one.text for one in recorder.events if getattr(one, "level", "") == "warning"]
    assert "testpaths of pytest names nosuch, which is not there" in warned[0]
    assert "no test ran of more/test_b.py" in warned[0]


def test_files_of_one_name_and_folders_named_build_run_with_unittest(stage, recorder):
    files = {"a/test_x.py": GOOD, "b/test_x.py": BAD, "a/build/test_y.py": GOOD}
    said = failure(stage, files | {"build/lib/test_z.py": BAD, "dist/test_z.py": BAD})
    assert "1 of 4 tests failed: unittest test_x.T.test_bad" in said
    assert sorted(recorder.tests) == [
        "unittest b/test_x.py: test_x.T.test_good",
        "unittest test_x.T.test_bad",
        "unittest test_x.T.test_good",
        "unittest test_y.T.test_good",
    ]


def test_an_async_test_that_nobody_awaits_is_no_pass(stage):
    said = failure(stage, {"test_a.py": GOOD + "    async def test_never(self): self.fail()\n"})
    assert "derive from unittest.IsolatedAsyncioTestCase" in said


def test_a_skip_with_the_word_unexpected_is_a_skip(stage):
    skip = "import pytest\n@pytest.mark.skip(reason='unexpected answer')\ndef test_b(): pass\n"
    summary = stage({"test_a.py": skip + "def test_a(): pass\n"}).closing.text
    assert "1 passed, 1 skipped" in summary
