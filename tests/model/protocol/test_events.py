"""Events and jobs: what passes between a worker and its master survives JSON as it is."""

import json

import pytest
from pydantic import ValidationError

from slipway.model.protocol.event import (
    EVENTS,
    LIMIT,
    ArtefactLeft,
    Document,
    Notice,
    Picture,
    Piece,
    Progress,
    Summary,
    TargetEnded,
    TargetFile,
    TargetRemoved,
    TestResult,
    read_event,
)
from slipway.model.protocol.job import Input, Job, RunFacts, StageRecord
from slipway.model.secrets.masking import Masker, masked_event
from slipway.scripts.report import encode

EACH = [
    Progress(text="testing", done=3, total=10),
    TestResult(
        suite="pytest",
        name="test_a",
        status="failed",
        seconds=0.25,
        file="t.py",
        line=3,
        message="no",
    ),
    ArtefactLeft(path="/build/a.zip", name="a.zip", sha256="0" * 64, size=0, role="report"),
    Picture(path="/build/a.png", title="the day", missing="is too large"),
    Document(path="/build/a.txt", test="a.feature:3", size=3, sha256="0" * 64),
    Piece(sha256="0" * 64, data="AAAA"),
    Summary(text="12 passed", facts={"passed": 12, "nested": {"a": [1, None]}}),
    Notice(text="line one\nline two \x1e é", level="warning"),
    TargetFile(target="mirror", file="a.zip", sha256="0" * 64, state="staged"),
    TargetEnded(target="mirror", state="public", place="https://example.org/a"),
    TargetRemoved(target="www", version="1.3.0+6"),
]


@pytest.mark.parametrize("event", EACH, ids=lambda event: event.event)
def test_an_event_survives_json(event):
    again = EVENTS.validate_json(event.model_dump_json())
    assert again == event
    assert type(again) is type(event)


def test_every_kind_of_event_is_tried_here():
    kinds = set(EVENTS.json_schema()["discriminator"]["mapping"])
    assert {event.event for event in EACH} == kinds


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"event": "unknown"}',
        '{"event": "notice", "text": "x", "level": "loud"}',
        '{"event": "notice", "text": "x", "colour": "red"}',
        '{"event": "artefact", "path": "x", "name": "x", "sha256": "ABC", "size": 1}',
        '{"event": "progress"',
        '{"event": "progress", "text": "x", "done": NaN}',
        '{"event": "progress", "text": "x", "total": Infinity}',
        '{"event": "progress", "text": "x", "total": 1e999}',
        '{"event": "test", "suite": "s", "name": "n", "status": "passed", "seconds": -Infinity}',
        f'{{"event": "test", "suite": "s", "name": "n", "status": "passed", "line": {"9" * 999}}}',
        '{"event": "summary", "text": "x", "facts": {"a": [NaN]}}',
        '{"event": "summary", "text": "x", "facts": {"a": 1e999}}',
        f'{{"event": "summary", "text": "x", "facts": {{"a": {"9" * 99}}}}}',
        f'{{"event": "summary", "text": "x", "facts": {{"a": {"[" * 50}{"]" * 50}}}}}',
        f'{{"event": "summary", "text": "x", "facts": {{"a": {"[" * 1900}{"]" * 1900}}}}}',
        '{"event": "summary", "text": "x", "facts": [1]}',
        '{"event": "notice", "text": ["x"]}',
        '{"event": "notice", "text": "\\ud800"}',
        f'{{"event": "artefact", "path": "x", "name": "../x", "sha256": "{"0" * 64}", "size": 1}}',
        f'{{"event": "artefact", "path": "x", "name": "x", "sha256": "{"0" * 64}", "size": 1e99}}',
        "[]",
        "",
    ],
)
def test_anything_else_is_no_event(text):
    with pytest.raises(ValidationError):
        EVENTS.validate_json(text)
    with pytest.raises(ValueError, match=r"^[^\n]{3,}$"):
        read_event(text)


def test_a_record_has_a_longest():
    with pytest.raises(ValueError, match="it may have 4000"):
        read_event(Notice(text="x" * LIMIT).model_dump_json())


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "../x"},
        {"target": ""},
        {"target": "x" * 41},
        {"file": "../x"},
        {"file": "x" * 300},
        {"sha256": "0" * 63},
        {"state": "seen"},
    ],
)
def test_a_file_at_a_target_is_named_as_the_ledger_can_keep_it(wrong):
    right = {"target": "mirror", "file": "a.zip", "sha256": "0" * 64, "state": "verified"}
    event = read_event(json.dumps({"event": "target-file"} | right))
    assert event == TargetFile(**right)
    with pytest.raises(ValueError, match=r"^[^\n]{3,}$"):
        read_event(json.dumps({"event": "target-file"} | right | wrong))


def test_the_sentence_of_a_failed_target_is_cut_and_its_state_is_not_masked():
    ended = TargetEnded(target="mirror", state="failed", text="the server said public " * 400)
    masked = masked_event(ended, Masker(["failed", "mirror", "public"]))
    assert (masked.state, masked.target) == ("failed", "mirror")
    assert "public" not in masked.text
    assert len(encode(masked)) <= LIMIT


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 63}, {"sha256": "A" * 64}, {"size": -1}])
def test_an_artefact_is_known_by_a_whole_hash(wrong):
    with pytest.raises(ValidationError):
        ArtefactLeft(**{"path": "p", "name": "n", "sha256": "0" * 64, "size": 1} | wrong)


def test_a_job_survives_json():
    job = Job(
        project="almanac",
        name="unit",
        stage={"uses": "tests", "runs-on": ["linux"], "suites": [{"runner": "pytest"}]},
        run=RunFacts(number=7, revision="a" * 40, branch="main", committed_at=1, version="1.0+7"),
        inputs=(Input(stage="a", uses="freeze", name="n", path="p", sha256="0" * 64, size=1),),
        records=(StageRecord(stage="a", uses="freeze", state="passed", facts={"x": 1}),),
        output="../output",
        cache="../cache",
        state="/state",
    )
    again = Job.model_validate_json(job.model_dump_json(by_alias=True))
    assert again == job
    assert again.stage.runs_on == ("linux",)
    assert again.worker == "this machine"


def test_a_job_knows_no_other_keys():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        RunFacts(number=1, revision="", branch="", committed_at=1, version="1", colour="red")
