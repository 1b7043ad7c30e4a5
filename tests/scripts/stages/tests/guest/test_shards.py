"""A tests stage cut in parts: together they run each test exactly once."""

from contextlib import suppress

import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import TestResult
from slipway.scripts.stages.features.run import run as walk
from slipway.scripts.stages.tests.guest.plugins.slipway_shards import deal
from slipway.scripts.stages.tests.run import run

pytestmark = pytest.mark.slow


PYTEST = {
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "test_a.py": "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n",
    "test_b.py": "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_n(n): pass\n",
    "inner/test_c.py": "def test_c(): pass\n",
}
CLASS = "import unittest\nclass T{n}(unittest.TestCase):\n"
CASES = {
    f"test_{n}.py": CLASS.format(n=n)
    + "".join(f"    def test_{m}(self): pass\n" for m in range(n + 1))
    for n in range(3)
}
KINDS = {
    "pytest": PYTEST,
    "unittest": CASES,
    "nose2": {**CASES, "unittest.cfg": "[unittest]\n"},
}


@pytest.fixture
def parts(project, make_job, recorder):
    """Return a runner of all parts: the names of each part's tests, and what each said."""

    def start(files, count):
        project(files)
        found, said = [], []
        for part in range(1, count + 1):
            recorder.events.clear()
            run(make_job({"uses": "tests", "shards": count}, shard=(part, count)), recorder)
            found.append([f"{one.file} {one.name}" for one in recorder.of(TestResult)])
            said.append(recorder.closing.text)
        return found, said

    return start


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 3])
def test_the_parts_are_the_whole(parts, kind, count):
    found, said = parts(KINDS[kind], count)
    together = sorted(name for part in found for name in part)
    assert len(together) == len(set(together)) == 6
    assert all(found), "each part has something to do"
    assert said[0].startswith(f"part 1 of {count}: ")
    assert f"; {6 - len(found[0])} in the other parts" in said[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_with_nothing_to_do_passes_and_says_so(parts, kind):
    found, said = parts(KINDS[kind], 8)
    assert sorted(map(len, found)) == [0, 0, 1, 1, 1, 1, 1, 1]
    empty = found.index([])
    assert "all 6 fall to the other parts, there are more parts than tests" in said[empty]


@pytest.mark.parametrize("kind", ["pytest", "unittest", "nose2"])
def test_no_test_at_all_fails_in_every_part(project, make_job, recorder, kind):
    project({"x.py": "", "unittest.cfg": ""} if kind == "nose2" else {"x.py": ""})
    stage = {"uses": "tests", "shards": 2, "suites": [{"runner": kind}]}
    with pytest.raises(StageFailed, match="found no test"):
        run(make_job(stage, shard=(2, 2)), recorder)


def test_a_failing_test_fails_its_part_alone(project, make_job, recorder):
    project({**PYTEST, "test_d.py": "def test_bad(): assert 0\n"})
    said = []
    for part in (1, 2, 3):
        with suppress(StageFailed):
            run(make_job({"uses": "tests", "shards": 3}, shard=(part, 3)), recorder)
            said.append(part)
    assert len(said) == 2
    failed = [one for one in recorder.of(TestResult) if one.status == "failed"]
    (only,) = failed
    assert only.name.endswith("test_bad")


def test_large_files_are_dealt_first():
    tests = [(f"f{f}", f"f{f}-{n}") for f, size in enumerate((5, 4, 3, 3, 1)) for n in range(size)]
    dealt = [deal(tests, part, 2) for part in (1, 2)]
    assert not dealt[0] & dealt[1]
    assert abs(len(dealt[0]) - len(dealt[1])) <= 1


FEATURES = {
    "features/one.feature": "Feature: One\n  Scenario: A\n    Given nothing\n",
    "features/two.feature": (
        "Feature: Two\n  Scenario: B\n    Given nothing\n  Scenario: C\n    Given nothing\n"
    ),
    "features/steps/nothing.py": (
        "from behave import given\n@given('nothing')\ndef step(context): pass\n"
    ),
}


def test_features_are_cut_too(project, make_job, recorder):
    project(FEATURES)
    found, said = [], []
    for part in (1, 2, 3):
        recorder.events.clear()
        walk(make_job({"uses": "features", "shards": 3}, shard=(part, 3)), recorder)
        found += [one.name for one in recorder.of(TestResult)]
        said.append(recorder.closing.text)
    assert sorted(name[-1] for name in found) == ["A", "B", "C"]
    empty = next(text for text in said if "0 scenarios" in text)
    assert empty.startswith("part 3 of 3, all in the other parts: ")
