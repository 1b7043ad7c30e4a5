"""Channels of notices: in order, tried again, bounded, and never in anybody's way."""

from __future__ import annotations

import json
import sys
import threading
import time

import pytest

from slipway.master.notify import channel as channels
from slipway.master.notify.channel import Channel
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient
from slipway.notifiers.command.notifier import CommandNotifier
from tests.support.machine import wait_for

SENT: list[str] = []


class Recorded(Notifier):
    """Keeps what it is told; fails as often as it is asked to."""

    kind: str = "recorded"
    failures: int = 0

    @classmethod
    def load_runner(cls):
        return _send


_failed: dict[str, int] = {}


def _send(settings, notice, context):
    if notice.subject == "hang":
        threading.Event().wait()
    if _failed.setdefault(notice.id, 0) < settings.failures:
        _failed[notice.id] += 1
        raise ConnectionError("\x1b[31mno way\nsecond line")
    SENT.append(notice.id)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    SENT.clear()
    _failed.clear()
    monkeypatch.setattr(channels, "PAUSES", (0.01, 0.01, 0.01))


def notice(number=1, **changes):
    facts = {"id": f"run-{number}", "event": Event.RUN_FAILED, "project": "demo", "run": number}
    facts |= {
        "version": "1.0",
        "branch": "main",
        "at": 1.0,
        "url": "http://localhost/",
        "title": "it failed",
    }
    return Notice(**(facts | changes))


def test_notices_are_sent_in_their_order(quick):
    made = Channel("diary", Recorded(), pytest.fail)
    for number in range(50):
        made.put(notice(number))
    wait_for(lambda: len(SENT) == 50, lambda: str(SENT))
    made.end()
    assert [f"run-{number}" for number in range(50)] == SENT


@pytest.mark.slow
def test_what_cannot_be_sent_is_tried_again_and_then_told():
    told = []
    made = Channel("diary", Recorded(failures=3), told.append)
    made.put(notice())
    wait_for(lambda: SENT, lambda: str(told))
    assert told == []
    made = Channel("diary", Recorded(failures=9), told.append)
    made.put(notice(2))
    wait_for(lambda: told, lambda: str(SENT))
    # One line that no terminal obeys: a notifier's error may hold anything.
    assert told == ["notify.diary: run-2 was not sent: ConnectionError: \\x1b[31mno way"]


def test_only_what_is_wanted_is_sent():
    made = Channel("diary", Recorded(events=("deployed",), projects=("demo",)), pytest.fail)
    made.put(notice(1))
    made.put(notice(2, event=Event.DEPLOYED, project="other"))
    made.put(notice(3, event=Event.DEPLOYED))
    wait_for(lambda: SENT, lambda: "")
    assert SENT == ["run-3"]


def test_a_notifier_that_hangs_keeps_nobody_and_what_waits_is_bounded():
    told = []
    made = Channel("diary", Recorded(), told.append)
    began = time.monotonic()
    for number in range(channels.MOST + 10):
        made.put(notice(number, subject="hang"))
    made.end()
    assert time.monotonic() - began < 30
    assert told
    assert told[-1].endswith("is left out")


def run(*words, **keys):
    settings = CommandNotifier(kind="command", argv=words, **keys)
    told = notice(text='it\'s "bad"; rm -rf /')
    settings.load_runner()(settings, told, Context(Recipient(), key="k"))


def test_a_program_gets_the_notice_as_json(tmp_path):
    file = tmp_path / "got"
    copy = f"import sys; open({str(file)!r}, 'w').write(sys.stdin.read())"
    run(sys.executable, "-c", copy)
    assert json.loads(file.read_text())["text"] == 'it\'s "bad"; rm -rf /'
    assert json.loads(file.read_text())["event"] == "run-failed"


@pytest.mark.slow
def test_a_program_that_fails_hangs_or_is_not_there_is_told():
    with pytest.raises(Exception, match="ended with exit code 3: second"):
        run(sys.executable, "-c", "import sys; sys.stderr.write('first\\nsecond\\n'); sys.exit(3)")
    with pytest.raises(Exception, match="did not end within 1"):
        run(sys.executable, "-c", "import time; time.sleep(60)", timeout=1)
    with pytest.raises(OSError, match="No such file"):
        run("/none/such")
