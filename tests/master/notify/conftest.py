"""What tests of notices share: notices, a notifier that fails as it is told to, a work for it."""

from __future__ import annotations

import threading

import pytest

from slipway.ledger.outbox.queue import Leased
from slipway.master.notify.channel import Work
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient, Sender


class Recorded(Notifier):
    """A notifier whose sender keeps what it sends and raises what it is told to."""

    kind: str = "recorded"

    @classmethod
    def load_runner(cls):
        return RecordedSender


class RecordedSender(Sender):
    """See `Recorded`; all of it is of the class, for the channel makes its own."""

    sent: list = []  # noqa: RUF012
    contexts: list = []  # noqa: RUF012
    raises: list = []  # noqa: RUF012
    closed = 0
    held = threading.Event()

    def send(self, notice, context):
        if notice.subject == "hang":
            type(self).held.wait()
        if self.raises:
            raise self.raises.pop(0)
        self.sent.append(notice.id)
        self.contexts.append(context)
        return "250 taken"

    def close(self):
        type(self).closed += 1


@pytest.fixture
def recorder():
    RecordedSender.held = threading.Event()
    for one in (RecordedSender.sent, RecordedSender.contexts, RecordedSender.raises):
        one.clear()
    RecordedSender.closed = 0
    yield RecordedSender
    RecordedSender.held.set()


@pytest.fixture
def notice():
    def make(number=1, **changes):
        facts = {"id": f"run-{number}", "event": Event.RUN_FAILED, "project": "demo"}
        facts |= {"version": "1.0", "branch": "main", "at": 1.0, "url": "http://localhost/"}
        facts |= {"title": "it failed", "run": number}
        return Notice.model_validate(facts | changes)

    return make


@pytest.fixture
def work(notice):
    def make(number=1, person="", **changes):
        told = notice(number, **changes)
        leased = Leased(number, "diary", person, 0, 1.0, told.thread, {})
        return Work(leased, told, Context(Recipient(person), key=f"key-{number}"))

    return make
