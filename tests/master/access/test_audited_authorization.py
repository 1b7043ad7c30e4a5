"""What is asked of Buildbot is in the audit trail: by whom, of what, and whether it was allowed."""

import pytest
from buildbot.plugins import util
from buildbot.test.fake import fakemaster
from buildbot.test.reactor import TestReactorMixin
from buildbot.www.authz import Forbidden
from twisted.internet import defer
from twisted.trial import unittest

from slipway.ledger.audit.queries import list_audit, verify
from slipway.ledger.database.session import LedgerSession
from slipway.master.access.audited_authorization import RecordedAuthz, Refusals, name_of
from slipway.steps.ledger_api import SERVICE
from tests.support.ledgers import make_ledger

ADMIN = {"username": "admin", "email": "admin", "full_name": "admin"}
NOBODY = {"anonymous": True}


class LedgerService:
    """The ledger on SQLite, without Buildbot's threads."""

    def __init__(self, engine):
        self.engine, self.projects = engine, {"almanac": object()}

    async def change(self, actor, work, *args):
        with LedgerSession(self.engine, actor=actor) as session:
            work(session, *args)
            session.commit()


class Services:
    def __init__(self, ledger):
        self.namedServices = {SERVICE: ledger}


class RecordedTest(TestReactorMixin, unittest.TestCase):
    """Asks rules that remember, on a fake master with a real ledger."""

    rules = engine = None

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        self.master = yield fakemaster.make_master(self, wantData=True)
        self.rules.setMaster(self.master)
        self.rules._refusals = Refusals()
        self.ledger = LedgerService(self.engine)
        self.master.service_manager = Services(self.ledger)
        self.before = len(self.rows())

    def rows(self):
        return list_audit(self.engine, limit=1000)

    def fresh(self):
        """Return the rows since the test began, oldest first."""
        return self.rows()[: len(self.rows()) - self.before][::-1]

    async def ask(self, user, action, *path, **options):
        try:
            await self.rules.assertUserAllowed(path, action, options, user)
        except Forbidden:
            return False
        return True

    def test_allowed_and_refused(self):
        async def check():
            force = ("force", "forceschedulers", "almanac-stage")
            assert await self.ask(ADMIN, *force, reason="again", run=3, password="hunter2")
            assert not await self.ask(NOBODY, *force, reason="mine")
            done, refused = self.fresh()
            assert (done.actor, done.action, done.entity) == ("admin", "force", "control")
            assert (done.entity_id, done.project) == ("forceschedulers/almanac-stage", "almanac")
            assert done.summary == "force almanac-stage"
            assert done.new == {
                "allowed": True,
                "reason": "again",
                "run": "3",
                "others": ["password"],
            }
            assert (refused.actor, refused.action) == ("anonymous", "force")
            assert refused.summary == "refused: force almanac-stage"
            assert refused.new == {"allowed": False}
            assert verify(self.engine).problem == ""

        return defer.ensureDeferred(check())

    def test_reading_leaves_nothing(self):
        async def check():
            for method in ("get", "GET"):
                assert await self.ask(NOBODY, method, "builds", "1")
            assert self.fresh() == []

        return defer.ensureDeferred(check())

    def test_what_is_not_there_is_named_by_its_path(self):
        async def check():
            for path in (
                ("builds", "77"),
                ("nonsense",),
                ("workers", "9"),
                ("a/b", "../c", "x" * 999),
            ):
                assert await self.ask(ADMIN, "stop", *path) in {True, False}
            named = [one.entity_id for one in self.fresh()]
            assert named[:3] == ["builds/77", "nonsense", "workers/9"]
            assert len(named[3]) == 255

        return defer.ensureDeferred(check())

    def test_what_cannot_be_written_down_is_not_done(self):
        async def broken(*given, **named):
            raise OSError("the disk is full")

        async def check():
            self.ledger.change = broken
            with pytest.raises(OSError, match="full"):
                await self.ask(ADMIN, "stop", "builds", "1")

        return defer.ensureDeferred(check())

    @pytest.mark.slow
    def test_a_flood_of_refusals_is_counted_not_kept(self):
        async def check():
            for _ in range(60):
                assert not await self.ask({"username": "mallory"}, "stop", "builds", "1")
            assert await self.ask(ADMIN, "stop", "builds", "1")
            assert len(self.fresh()) == 21

        return defer.ensureDeferred(check())


@pytest.fixture(scope="module", autouse=True)
def rules(tmp_path_factory):
    RecordedTest.rules = RecordedAuthz(
        allowRules=[util.AnyControlEndpointMatcher(role="admin")],
        roleMatchers=[util.RolesFromUsername(roles=["admin"], usernames=["admin"])],
    )
    engine = make_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'state.sqlite'}")
    RecordedTest.engine = engine
    yield
    engine.dispose()


def test_refusals_begin_anew_after_a_minute():
    refusals = Refusals()
    told = [refusals.count("bob", 0.0) for _ in range(25)]
    assert told == [0] * 20 + [None] * 5
    assert refusals.count("ann", 0.0) == 0
    assert refusals.count("bob", 61.0) == 5
    assert refusals.count("bob", 62.0) == 0


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (ADMIN, "admin"),
        ({"email": "a@b", "full_name": "Ann"}, "a@b"),
        ({"username": "", "full_name": "Ann"}, "Ann"),
        (NOBODY, "anonymous"),
        ({}, "anonymous"),
    ],
)
def test_names(user, name):
    assert name_of(user) == name
