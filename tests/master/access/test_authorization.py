"""Buildbot's control actions, by role: what its own `authz` is told."""

from types import SimpleNamespace

import pytest
from buildbot.data.exceptions import InvalidPathError
from buildbot.test.fake import fakemaster
from buildbot.test.reactor import TestReactorMixin
from buildbot.www.authz import Forbidden
from twisted.internet import defer
from twisted.trial import unittest

from slipway.master.access.request import Known
from slipway.model.access import LADDER, Person, held
from slipway.steps.ledger_api import SERVICE

CONTROL = {
    (("builds", "1"), "stop"): "developer",
    (("builds", "1"), "Stop"): "developer",
    (("builders", "1", "builds", "1"), "stop"): "developer",
    (("buildrequests", "1"), "cancel"): "developer",
    (("buildrequests", "1"), "set_priority"): "admin",
    (("builds", "1"), "rebuild"): None,
    (("builds", "1"), "REBUILD"): None,
    (("builders", "1", "builds", "1"), "rebuild"): None,
    (("builders", "1"), "force"): "admin",
    (("workers", "1"), "pause"): "admin",
    (("workers", "1"), "kill"): "admin",
    (("schedulers", "1"), "enable"): "admin",
    (("masters", "1"), "stop"): "admin",
    (("builds", "1"), "what comes with the next Buildbot"): "admin",
}


class RulesTest(TestReactorMixin, unittest.TestCase):
    """Asks the site's own rules, on a fake master."""

    rules = None

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        self.master = yield fakemaster.make_master(self, wantData=True)
        self.rules.setMaster(self.master)
        ledger = SimpleNamespace(projects={}, change=self.remember)
        self.master.service_manager = SimpleNamespace(namedServices={SERVICE: ledger})

    async def remember(self, actor, work, *args):
        """What is asked goes into the trail; tests of it are elsewhere."""

    async def allowed(self, path, action, user):
        try:
            await self.rules.assertUserAllowed(path, action, {}, user)
        except Forbidden:
            return False
        return True

    @pytest.mark.slow
    def test_each_role(self):
        async def check():
            for role in LADDER:
                user = Known(Person("ann", held([role])))
                for (path, action), wanted in CONTROL.items():
                    expected = wanted is not None and wanted in held([role])
                    assert await self.allowed(path, action, user) is expected, (role, path, action)

        return defer.ensureDeferred(check())

    @pytest.mark.slow
    def test_nobody_and_those_who_pretend_control_nothing(self):
        async def check():
            for user in (
                {"anonymous": True},
                {"username": "bob", "email": "admin", "full_name": "admin"},
                {"username": "admin", "email": "admin"},
                {"username": "admin", "mark": "", "roles": ["admin"], "person": "admin"},
                {},
            ):
                for path, action in CONTROL:
                    assert not await self.allowed(path, action, user), (user, path, action)

        return defer.ensureDeferred(check())

    def test_reading_is_the_doors_affair(self):
        async def check():
            for ep, action in ((("builds", "1"), "GET"), ("masters", "get")):
                assert await self.allowed(ep, action, {"anonymous": True})

        return defer.ensureDeferred(check())

    def test_a_path_that_is_not_there_is_no_way_in(self):
        async def check():
            admin = Known(Person("ann", held(["admin"])))
            with pytest.raises(InvalidPathError):
                await self.rules.assertUserAllowed(("nowhere", "1"), "stop", {}, admin)

        return defer.ensureDeferred(check())


@pytest.fixture(scope="module", autouse=True)
def rules(config):
    RulesTest.rules = config.www["authz"]
