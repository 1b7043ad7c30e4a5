"""Channels: in order, one sending for each, and never in anybody's way."""

from __future__ import annotations

import time

import pytest

from slipway.master.notify import channel as channels
from slipway.master.notify.channel import Channel
from slipway.model.errors import StageFailed
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.sending import Refused, Retry, SendingSite
from tests.master.notify.conftest import Recorded
from tests.support.machine import wait_for

SENT, FAILED = DeliveryState.SENT, DeliveryState.FAILED


@pytest.fixture
def open_channel(recorder):
    made = []

    def begin(settings=None):
        answers, said = [], []
        one = Channel(
            "diary",
            settings or Recorded(),
            SendingSite(),
            lambda _, answer: answers.append(answer),
            said.append,
        )
        made.append(one)
        return one, answers, said

    yield begin
    recorder.held.set()
    for one in made:
        one.end()
        one.join(10)


def states(answers, count):
    wait_for(lambda: len(answers) >= count, lambda: str(answers))
    return [one.state for one in answers]


def test_notices_are_sent_in_their_order(open_channel, work, recorder):
    made, answers, _ = open_channel()
    made.put([work(number) for number in range(50)])
    assert states(answers, 50) == [SENT] * 50
    assert recorder.sent == [f"run-{number}" for number in range(50)]
    assert answers[0].text == "250 taken"
    assert made.waiting == 0


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (Retry("greylisted", 300), FAILED, "greylisted"),
        (Refused("no such person"), DeliveryState.DEAD, "no such person"),
        (StageFailed("broken"), FAILED, "StageFailed: broken"),
        (ValueError("\x1b[31mred\nsecond line"), FAILED, "ValueError: \\x1b[31mred"),
        (SystemExit(3), FAILED, "SystemExit: 3"),
        (RuntimeError(), FAILED, "RuntimeError"),
    ],
)
def test_what_a_sender_raises_is_an_answer_in_one_line(
    open_channel, work, recorder, error, state, text
):
    made, answers, said = open_channel()
    recorder.raises.append(error)
    made.put([work(1, "ann"), work(2)])
    assert states(answers, 2) == [state, SENT]
    assert answers[0].text == text
    assert answers[0].after == getattr(error, "after", None)
    assert len(said) == 1
    assert said[0].startswith("notify.diary: run-1 to ann w")
    assert made.pause == 0


@pytest.mark.parametrize(
    "error", [Retry("away", channel=True), ConnectionRefusedError("refused"), TimeoutError()]
)
def test_while_the_server_is_away_nothing_else_is_tried(open_channel, work, recorder, error):
    made, answers, said = open_channel()
    recorder.raises.append(error)
    made.put([work(number) for number in range(20)])
    found = states(answers, 20)
    assert found == [FAILED] + [DeliveryState.WAITING] * 19
    assert 0 < made.pause <= channels.PAUSES[0]
    assert all(one.after > 0 for one in answers[1:])
    assert len(said) == 1
    assert recorder.sent == []
    wait_for(lambda: recorder.closed, lambda: "the connection was kept")
    wait_for(lambda: made.pause == 0, lambda: str(made.pause))
    made.put([work(1)])
    assert states(answers, 21)[20] == SENT


def test_of_a_thread_nothing_passes_what_failed(open_channel, work, recorder):
    made, answers, _ = open_channel()
    recorder.raises.append(Retry("later"))
    one = {"thread": "run-1"}
    made.put([work(1, "ann", **one), work(2, "ann", **one), work(3, "ben", **one), work(4, "ann")])
    assert states(answers, 4) == [FAILED, DeliveryState.WAITING, SENT, SENT]
    assert recorder.sent == ["run-3", "run-4"]


def test_a_sender_that_hangs_keeps_nobody_and_can_be_given_up(open_channel, work, recorder):
    made, answers, _ = open_channel()
    began = time.monotonic()
    made.put([work(1, subject="hang"), work(2)])
    wait_for(lambda: made.hangs > 0.05, lambda: "it does not hang")
    other, others, _ = open_channel()
    other.put([work(3)])
    assert states(others, 1) == [SENT]
    assert made.at_work == 1
    assert made.give_up() == [1, 2]
    assert made.is_given_up
    assert time.monotonic() - began < 30
    assert answers == []


def test_the_end_lets_what_waits_be(open_channel, work, recorder):
    made, answers, _ = open_channel()
    made.put([work(1, subject="hang"), work(2), work(3)])
    wait_for(lambda: made.hangs > 0, lambda: "")
    made.end()
    recorder.held.set()
    assert states(answers, 3) == [SENT, DeliveryState.WAITING, DeliveryState.WAITING]
    made.join(10)
    assert not made.is_alive
