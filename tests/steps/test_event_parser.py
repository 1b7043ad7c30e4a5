"""Listening to a stage: events out of its output, the rest as it is."""

import pytest
from buildbot.process.remotecommand import RemoteShellCommand
from twisted.python import log

from slipway.model.protocol.event import Notice, Picture, Progress, Summary, TestResult
from slipway.model.protocol.event_codes import Coder, made_key
from slipway.steps.event_parser import FORGED, ScriptCommand, StageEvents

KEY = made_key()
CODER = Coder(KEY)


@pytest.fixture
def listen(monkeypatch):
    """Return a function: what is heard of a piece of output, and the log's text."""

    async def keep(_command, text, **_options):
        logged.append(text)

    monkeypatch.setattr(RemoteShellCommand, "add_stdout_lines", keep)
    monkeypatch.setattr(RemoteShellCommand, "add_stderr_lines", keep)
    logged = []
    heard = StageEvents()
    command = ScriptCommand(
        "wkdir", ["slipway"], key=KEY, on_event=heard.take, on_refused=heard.refuse
    )

    def hear(text):
        logged.clear()
        assert command.add_stdout_lines(text, is_flushed=False).called
        return heard, "".join(logged)

    return hear


def coded(json):
    return f"\x1e{CODER.coded(json)}\n"


def record(event):
    return coded(event.model_dump_json())


def test_what_is_no_event_is_log(listen):
    text = 'plain\n\n  {"event": "notice", "text": "x"}\n'
    heard, log = listen(text)
    assert log == text
    assert heard.line == ""


FORGERIES = [
    '{"event": "notice"',
    "",
    "hello",
    "[]",
    '{"event": "notice", "text": "x"}',
]


@pytest.mark.parametrize("bad", FORGERIES)
def test_what_looks_like_an_event_is_log_with_one_warning(listen, bad):
    heard, log = listen(f"before\n\x1e{bad}\n{record(Summary(text='good'))}middle \x1e{bad}\n")
    assert log == f"before\n{bad}\n{FORGED}good\nmiddle {bad}\n"
    assert (heard.summary, heard.line) == ("good", "good")


def test_nobody_says_it_with_another_key_or_again(listen):
    event = Notice(text="mine", level="error")
    once = record(event)
    other = f"\x1e{Coder(made_key()).coded(event.model_dump_json())}\n"
    bare = f"\x1e{event.model_dump_json()}\n"
    heard, log = listen(f"{once}{once}{other}{bare}")
    assert heard.errors == ["mine"]
    assert (log.count(FORGED), "\x1e" in log) == (1, False)


@pytest.mark.parametrize(
    ("json", "told"),
    [
        ('{"event":"unknown"}', "tag"),
        ('{"event":"notice"}', "text"),
        ('{"event":"progress","text":"x","done":NaN}', "finite"),
        (
            f'{{"event":"artefact","path":"a","name":"../a","sha256":"{"0" * 64}","size":1}}',
            "an artefact may not be called '../a'",
        ),
    ],
)
def test_what_the_script_may_not_say_ends_the_stage(listen, json, told):
    heard, log = listen(coded(json))
    assert told in heard.refusal
    assert heard.line == heard.refusal
    assert log == f"error: {heard.refusal}\n"
    assert listen(record(Summary(text="good")))[0].line == heard.refusal


def test_an_error_in_the_listener_is_the_stages_not_the_workers(monkeypatch):
    def broken(_event):
        raise KeyError("x")

    async def keep(_command, _text, **_options):
        pass

    monkeypatch.setattr(RemoteShellCommand, "add_stdout_lines", keep)
    monkeypatch.setattr(log, "err", lambda *_: None)
    heard = StageEvents()
    command = ScriptCommand("wkdir", ["slipway"], key=KEY, on_event=broken, on_refused=heard.refuse)
    assert command.add_stdout_lines(record(Progress(text="x")), is_flushed=False).called
    assert heard.refusal == "an event could not be taken; see the master's log"


def test_the_log_holds_no_record_separators(listen):
    events = [
        Progress(text="at work", done=1, total=4),
        TestResult(suite="s", name="t", status="failed", seconds=0.25, message="a\nb"),
        Picture(path="/a.png"),
        Notice(text="mind the gap", level="warning"),
        Notice(text="it is bad", level="error"),
        Summary(text="two\u2028lines", facts={"n": 1}),
    ]
    heard, log = listen("".join(map(record, events)))
    assert "\x1e" not in log
    assert log == (
        "at work\nfailed: s t (0.250s)\na\nb\npicture /a.png\nwarning: mind the gap\n"
        "error: it is bad\ntwo\u2028lines\n"
    )
    assert (heard.errors, heard.facts) == (["it is bad"], {"n": 1})


def test_the_line_says_what_is_most_telling(listen):
    assert listen("x\n")[0].line == ""
    assert listen(record(Progress(text="at work")))[0].line == "at work"
    assert listen(record(Progress(text="at work", done=1, total=4)))[0].line == "1/4 at work"
    assert listen(record(Progress(text="at work", done=0, total=4)))[0].line == "0/4 at work"
    assert listen(record(Notice(text="mind")))[0].line == "0/4 at work"
    assert listen(record(Summary(text="good")))[0].line == "good"
    assert listen(record(Notice(text="bad", level="error")))[0].line == "bad"


def test_an_event_after_unfinished_text_is_heard(listen):
    heard, log = listen(f"a warning without its line feed{record(Summary(text='good'))}")
    assert heard.summary == "good"
    assert "a warning without its line feed" in log
