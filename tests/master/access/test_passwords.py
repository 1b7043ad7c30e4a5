"""Passwords that are compared: rightly, without holding the master up, and as long for nobody."""

import time

import pytest
from twisted.internet import defer, task
from twisted.trial import unittest

from slipway.master.access.passwords import NOBODY, Comparing, TooBusy, hash_password, same

pytestmark = pytest.mark.slow

WORD = "a long word of mine"
HASH = hash_password(WORD)
#: Seconds a sign-in may hold the reactor up.
PATIENCE = 0.1


class ComparingTest(unittest.TestCase):
    """In Twisted's own reactor, as in the master."""

    timeout = 120

    def setUp(self):
        self.comparing = Comparing()

    def test_right_and_wrong(self):
        async def check():
            same = self.comparing.same
            assert await same(WORD, HASH)
            assert not await same("another word", HASH)
            assert not await same("", HASH)
            assert not await same(WORD, None)
            assert not await same("x" * 100_000, HASH)

        return defer.ensureDeferred(check())

    def test_the_reactor_goes_on_and_a_crowd_is_told(self):
        gaps, last = [], [time.perf_counter()]

        def tick():
            now = time.perf_counter()
            gaps.append(now - last[0])
            last[0] = now

        async def check():
            looping = task.LoopingCall(tick)
            looping.start(0.005)
            waiting = [defer.ensureDeferred(self.comparing.same(WORD, HASH)) for _ in range(40)]
            found = await defer.DeferredList(waiting, consumeErrors=True)
            looping.stop()
            good = [value for done, value in found if done]
            refused = [failure for done, failure in found if not done]
            assert good == [True] * 21
            assert {failure.type for failure in refused} == {TooBusy}
            assert len(gaps) > 20
            assert sorted(gaps)[len(gaps) // 2] < PATIENCE

        return defer.ensureDeferred(check())


def test_who_is_not_there_takes_as_long():
    def seconds(kept):
        """The best of ten, of this thread's processor: others use the machine, too."""
        found = []
        for _ in range(10):
            began = time.thread_time()
            assert not same("a wrong word", kept)
            found.append(time.thread_time() - began)
        return min(found)

    assert 0.7 < seconds(HASH) / seconds(NOBODY) < 1.4
