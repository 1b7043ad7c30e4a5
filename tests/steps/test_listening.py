"""Listening to a stage: events out of its output, the rest as it is."""

import asyncio

import pytest
from buildbot.process.remotecommand import RemoteShellCommand

from slipway.model.event import Notice, Picture, Progress, Summary, TestResult
from slipway.steps.listening import Heard, ScriptCommand


@pytest.fixture
def listen(monkeypatch):
    """Return a function: what is heard of a piece of output, and the log's text."""

    async def keep(_command, text, _is_flushed):
        logged.append(text)

    monkeypatch.setattr(RemoteShellCommand, "add_stdout_lines", keep)
    logged = []
    heard = Heard()
    command = ScriptCommand("wkdir", ["slipway"], heard=heard.take)

    def hear(text):
        logged.clear()
        asyncio.run(command.add_stdout_lines(text, is_flushed=False))
        return heard, "".join(logged)

    return hear


def record(event):
    return f"\x1e{event.model_dump_json()}\n"


def test_what_is_no_event_is_log(listen):
    text = 'plain\n\n  {"event": "notice", "text": "x"}\nmiddle \x1e of a line\n'
    heard, log = listen(text)
    assert log == text
    assert heard.line == ""


@pytest.mark.parametrize(
    "bad", ['{"event": "notice"', "", "hello", '{"event": "unknown"}', "[]", '{"event": "notice"}']
)
def test_what_looks_like_an_event_and_is_none_is_log(listen, bad):
    heard, log = listen(f"before\n\x1e{bad}\n{record(Summary(text='good'))}")
    assert log == f"before\n{bad}\ngood\n"
    assert heard.summary == "good"


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
    assert (heard.errors, heard.facts, len(heard.tests)) == (["it is bad"], {"n": 1}, 1)


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
