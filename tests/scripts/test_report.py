"""Events as a worker gets them: small enough, and still telling."""

import pytest

from slipway.model.event import LIMIT, ArtefactLeft, Notice, Summary, TestResult, part_line
from slipway.scripts.report import encode


def read(event):
    line = encode(event)
    assert len(line.encode()) <= LIMIT
    log, found = part_line(line)
    assert log == ""
    return found


def test_what_fits_is_not_touched():
    event = TestResult(suite="pytest", name="test_a", status="failed", message="é" * 1000)
    assert read(event) == event


@pytest.mark.parametrize("sign", ["a", "é", "\n", "\U0001f41b"])
def test_long_texts_are_cut(sign):
    assert read(Notice(text=sign * 9000)).text.endswith(" [cut]")
    found = read(TestResult(suite="s", name="n", status="failed", message=sign * 9000))
    assert found.message.endswith(" [cut]")


def test_long_names_are_cut_and_stay_different():
    first = read(TestResult(suite="s", name="test[" + "a" * 9000 + "1]", status="passed"))
    second = read(TestResult(suite="s", name="test[" + "a" * 9000 + "2]", status="passed"))
    assert first.name.startswith("test[aaa")
    assert first.name != second.name


def test_a_summary_loses_its_largest_facts_alone():
    facts = {"tests": 3, "suites": {f"suite-{n}": {"tests": n} for n in range(400)}}
    assert read(Summary(text="3 tests passed", facts=facts)).facts == {"tests": 3}


def test_a_path_is_never_cut():
    event = ArtefactLeft(path="/" + "a" * 5000, name="a", sha256="0" * 64, size=1)
    with pytest.raises(ValueError, match="cannot be cut to 4000 bytes"):
        encode(event)
