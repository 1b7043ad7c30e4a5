"""What `make strangers` does with a project, shown on one that is not from PyPI."""

import io
import json
import tarfile

import pytest

from tests.support import strangers

FILES = {
    "pyproject.toml": '[project]\nname = "app"\nversion = "1.0"\n'
    "[project.scripts]\napp = 'app:main'\n",
    "app.py": "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n",
    "tests/test_a.py": "import unittest\nclass T(unittest.TestCase):\n"
    "    def test_a(self): pass\n    def test_b(self): {b}\n",
    "features/a.feature": "Feature: a\n",
}
CHOSEN = ["discover", "-s", "tests", "-k", "T.test_a"]


@pytest.fixture
def state(tmp_path):
    """Return a state folder with the downloaded archive of a project."""

    def make(b):
        (tmp_path / "sdists").mkdir()
        with tarfile.open(tmp_path / "sdists" / "app-1.0.tar.gz", "w:gz") as packed:
            for name, text in FILES.items():
                data = text.replace("{b}", b).encode()
                one = tarfile.TarInfo(f"app-1.0/{name}")
                one.size = len(data)
                packed.addfile(one, io.BytesIO(data))
        return tmp_path

    return make


def test_a_project_gets_the_stages_that_it_has_something_for(state):
    source = strangers.unpacked("app", "1.0", state("pass"))
    assert list(strangers.stages_of(source)) == ["tests", "freeze", "databases", "features"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("b", "key", "verdict"),
    [
        pytest.param("pass", {}, "first try", id="green"),
        pytest.param("self.fail()", {}, "not, nor by hand", id="red"),
        pytest.param(
            "self.fail()",
            {"tests": f"suites = [{{ runner = 'unittest', arguments = {CHOSEN} }}]"},
            "one key",
            id="a key",
        ),
    ],
)
def test_the_verdict_is_that_of_slipway_beside_pytests_own(state, b, key, verdict):
    there = state(b)
    found = strangers.run_project("app", {"version": "1.0"} | key, there, ["tests"], 300)
    assert found["tests"]["verdict"] == verdict, found
    assert ("1 failed" in found["tests"]["plain"]) == (b != "pass")
    told = there / "results" / "app.json"
    told.parent.mkdir()
    told.write_text(json.dumps(found))
    assert strangers.report({"app": {"version": "1.0"}}, there) == 0
    assert f"| app 1.0 | tests | {verdict} (" in (there / "table.md").read_text()
