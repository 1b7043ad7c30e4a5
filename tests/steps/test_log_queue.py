"""Texts on their way into a log: in order, together where they wait, none lost by another."""

from twisted.internet import defer
from twisted.python import log

from slipway.steps import log_queue
from slipway.steps.log_queue import LogQueue


class Slow:
    """A log that takes a text when it is told to."""

    def __init__(self):
        self.taken, self.turns = [], []

    async def write(self, stream, text):
        self.taken.append((stream, text))
        self.turns.append(defer.Deferred())
        await self.turns[-1]

    def go_on(self, answer=None):
        self.turns.pop(0).callback(answer)


def test_what_comes_while_one_is_written_goes_together_by_streams_and_in_order():
    slow = Slow()
    queue = LogQueue(slow.write)
    done = [
        queue.put(stream, text)
        for stream, text in (
            ("stdout", "a\n"),
            ("stdout", "b\n"),
            ("stdout", "c\n"),
            ("stderr", "d\n"),
            ("stdout", "e\n"),
        )
    ]
    assert slow.taken == [("stdout", "a\n")]
    slow.go_on()
    assert [one.called for one in done] == [True, False, False, False, False]
    assert slow.taken[1:] == [("stdout", "b\nc\n")]
    slow.go_on()
    slow.go_on()
    assert not queue.written().called
    slow.go_on()
    assert slow.taken[2:] == [("stderr", "d\n"), ("stdout", "e\n")]
    assert all(one.called for one in (*done, queue.written()))


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(log_queue, "_TOGETHER", 10)
    slow = Slow()
    queue = LogQueue(slow.write)
    for _ in range(31):
        queue.put("stdout", "1234\n")
    while slow.turns:
        slow.go_on()
    assert {len(text) for _, text in slow.taken[1:]} == {10}
    assert len(slow.taken) == 16


def test_a_text_that_cannot_be_written_keeps_no_other_back(monkeypatch):
    told = []
    monkeypatch.setattr(log, "err", lambda *words: told.append(words))
    slow = Slow()
    queue = LogQueue(slow.write)
    first, second = queue.put("stdout", "a\n"), queue.put("stderr", "b\n")
    slow.turns.pop(0).errback(OSError("the disk is full"))
    assert first.called
    assert slow.taken[1:] == [("stderr", "b\n")]
    slow.go_on()
    assert second.called
    assert len(told) == 1
    assert queue.put("stdout", "c\n") is queue.written()


def test_ten_thousand_texts_that_are_written_at_once_are_no_recursion():
    taken = []

    async def write(_stream, text):
        taken.append(text)

    queue = LogQueue(write)
    for number in range(10_000):
        assert queue.put("stdout" if number % 2 else "stderr", f"{number}\n").called
    assert len(taken) == 10_000
