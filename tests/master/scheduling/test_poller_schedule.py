"""When the poller polls: durations, cron lines, a master that starts, stops or is reconfigured."""

import pytest
from buildbot.test.fake import fakemaster
from buildbot.test.reactor import TestReactorMixin
from twisted.internet import defer
from twisted.trial import unittest

from slipway.master.scheduling import poller as module
from slipway.master.scheduling.poller import RepositoryPoller


@pytest.mark.parametrize(("schedule", "interval"), [("12h", 43_200), ("0 */12 * * *", 315_360_000)])
def test_a_schedule_is_an_interval_or_a_cron_line(schedule, interval):
    assert module._interval(schedule) == interval


class CountingPoller(RepositoryPoller):
    """Polls nothing but counts."""

    polls = 0

    async def _poll(self):
        self.polls += 1


class ScheduleTest(TestReactorMixin, unittest.TestCase):
    """When it polls, by a clock that is turned by hand."""

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        # A quarter past midnight, UTC.
        self.reactor.advance(20_000 * 86_400 + 900 - self.reactor.seconds())
        self.master = yield fakemaster.make_master(self, wantDb=True, wantData=True)
        yield self.master.startService()
        self.addCleanup(self.master.stopService)

    async def started(self, schedule):
        poller = CountingPoller(**self.settings(schedule))
        await poller.setServiceParent(self.master)
        self.reactor.advance(0)
        return poller

    def settings(self, schedule):
        return {
            "name": "demo-poller",
            "project": "demo",
            "mirror_folder": "mirror",
            "repository": "nowhere",
            "branches": ("main",),
            "schedule": schedule,
        }

    def changed(self, schedule):
        settings = self.settings(schedule)
        return {key: settings[key] for key in settings if key != "name"}

    def polls_within(self, poller, seconds):
        before = poller.polls
        for _ in range(seconds // 60):
            self.reactor.advance(60)
        return poller.polls - before

    def test_a_duration(self):
        async def check():
            poller = await self.started("2h")
            assert poller.polls == 1
            assert self.polls_within(poller, 3600) == 0
            assert self.polls_within(poller, 3 * 3600) == 2

        return defer.ensureDeferred(check())

    def test_a_cron_line(self):
        async def check():
            poller = await self.started("0 */12 * * *")
            assert poller.polls == 1
            assert self.polls_within(poller, 11 * 3600) == 0
            assert self.polls_within(poller, 3600) == 1
            assert self.polls_within(poller, 48 * 3600) == 4
            poller.force()
            self.reactor.advance(0)
            assert poller.polls == 7

        return defer.ensureDeferred(check())

    def test_another_schedule_while_it_runs(self):
        async def check():
            poller = await self.started("0 */12 * * *")
            await poller.reconfigService(**self.changed("*/10 * * * *"))
            self.reactor.advance(0)
            assert self.polls_within(poller, 3600) == 6
            await poller.reconfigService(**self.changed("5m"))
            assert self.polls_within(poller, 3600) in {12, 13}
            await poller.disownServiceParent()
            assert self.polls_within(poller, 7200) == 0

        return defer.ensureDeferred(check())

    async def waiting(self):
        """Return a poller whose poll waits for a start, or for a reconfiguration, that goes on."""
        self.master.initLock = defer.DeferredLock()
        self.master.initLock.acquire()
        poller = RepositoryPoller(**self.settings("2h"))
        await poller.setServiceParent(self.master)
        self.reactor.advance(0)
        assert len(self.master.initLock.waiting) == 1
        return poller

    def test_it_is_stopped_by_a_master_that_only_starts(self):
        async def check():
            poller = await self.waiting()
            stopping = poller.disownServiceParent()
            self.successResultOf(stopping)
            assert self.master.initLock.waiting == []

        return defer.ensureDeferred(check())

    def test_a_reconfiguration_changes_the_schedule_of_a_poll_that_waits_for_it(self):
        async def check():
            poller = await self.waiting()
            changing = defer.ensureDeferred(poller.reconfigService(**self.changed("3h")))
            self.successResultOf(changing)
            self.reactor.advance(0)
            assert len(self.master.initLock.waiting) == 1
            self.successResultOf(poller.disownServiceParent())

        return defer.ensureDeferred(check())
