"""Events as a worker gets them: small enough, and still telling."""

import io

import pytest

from slipway.model.protocol.event import LIMIT, ArtefactLeft, Notice, Summary, TestResult, part_line
from slipway.scripts import report
from slipway.scripts.report import SequenceReport, encode


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


def test_of_much_output_the_beginning_and_the_end_are_passed_on(monkeypatch):
    monkeypatch.setattr(report, "_HEAD", 100)
    monkeypatch.setattr(report, "_TAIL", 50)
    stream = io.StringIO()
    made = SequenceReport(stream)
    for number in range(1000):
        made.log(f"line {number}")
    made.summary("all good")
    made.end()
    text = stream.getvalue()
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 998\nline 999\n")
    assert "characters are left out here]\n" in text
    assert "all good" in text
    assert len(text) < 500


def test_the_messages_of_many_tests_are_brief(monkeypatch):
    stream = io.StringIO()
    made = SequenceReport(stream)
    message = "AssertionError\n" + "x" * 3600 + "\nthe end"
    for number in range(3000):
        made.test(TestResult(suite="s", name=f"t{number}", status="failed", message=message))
    events = [part_line(line)[1] for line in stream.getvalue().split("\n")[:-1]]
    assert len(events) == 3000
    assert len(events[0].message) > 3000
    assert len(events[-1].message) < 600
    assert {one.message[:14] + one.message[-7:] for one in events} == {"AssertionErrorthe end"}
