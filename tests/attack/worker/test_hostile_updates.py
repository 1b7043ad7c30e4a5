"""What a hostile worker sends beside a stage's output is bounded, masked and not kept."""

from __future__ import annotations

import asyncio
import io
import secrets

import pytest

from slipway.steps.event_parser import ScriptCommand, StageEvents
from slipway.steps.transfer import PlaceCommand, StoreReader, StoreWriter

SECRET = "hush-hush-hush"


class Log:
    """A log that keeps what it gets."""

    def __init__(self):
        self.text = ""

    async def add_header_lines(self, text):
        self.text += text

    add_stdout_lines = add_stderr_lines = add_header_lines


def script():
    heard = StageEvents()
    options = {"key": secrets.token_hex(32)}
    options |= {"on_event": heard.take, "on_refused": heard.refuse}
    command = ScriptCommand("build", ["slipway"], secrets=(SECRET,), **options)
    log = Log()
    command.useLog(log, logfileName="stdio")
    return command, log


def send(command, *updates):
    async def go():
        for key, value in updates:
            await command.remoteUpdate(key, value, is_flushed=False)

    asyncio.run(go())


@pytest.mark.slow
def test_headers_are_bounded_and_masked():
    command, log = script()
    send(command, *[("header", f"{SECRET} {'x' * 90}\n")] * 5000)
    assert 0 < len(log.text) <= 120_000
    assert SECRET not in log.text


def test_nothing_comes_into_the_log_unheard():
    command, log = script()
    send(command, ("log", ("stdio", f"\x1e{SECRET}\n")), ("elapsed", "no number"))
    assert log.text == ""
    assert dict(command.updates) == {}


def test_an_exit_code_is_told_once():
    command, log = script()
    send(command, ("rc", 1), *[("rc", 0)] * 100)
    assert command.rc == 1
    assert log.text.count("exit code") == 1


def test_of_a_place_only_the_last_word_is_kept():
    command = PlaceCommand("slipway.begin", {})
    floods = [(f"key{number}", "x") for number in range(100)]
    send(command, *floods, *[("problem", number) for number in range(100)])
    assert dict(command.updates) == {"problem": [99]}


class Incoming:
    """Takes blocks."""

    def __init__(self):
        self.taken = b""

    def write(self, block):
        self.taken += block


def test_nothing_sent_again_and_again_is_no_progress(tmp_path):
    incoming = Incoming()
    writer = StoreWriter(incoming, 4)
    writer.moved = 0.0
    writer.remote_write(b"")
    assert writer.moved == 0.0
    writer.remote_write(b"left")
    assert writer.moved > 0
    assert incoming.taken == b"left"
    file = tmp_path / "file"
    file.write_bytes(b"left")
    reader = StoreReader(file)
    assert reader.remote_read(0) == b"l"
    assert reader.remote_read(-1) == b"e"
    assert reader.remote_read("all") == b"ft"
    reader.moved = 0.0
    assert reader.remote_read(10) == b""
    assert reader.moved == 0.0
    reader.remote_close()


def test_an_upload_of_too_much_is_given_up_at_once():
    incoming, given_up = Incoming(), io.StringIO()
    writer = StoreWriter(incoming, 4)
    writer.failed = lambda: given_up.write("x")
    for _ in range(3):
        writer.remote_write(b"longer")
    assert given_up.getvalue() == "x"
    assert incoming.taken == b""
    assert "more than was announced" in str(writer.end())
