"""Who may do what: the admin alone controls, everybody may look; and who the admin is."""

import pytest
from buildbot.test.fake import fakemaster
from buildbot.test.reactor import TestReactorMixin
from buildbot.www.authz import Forbidden
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import defer
from twisted.trial import unittest

from slipway.master.web import AdminAuth, AdminChecker, is_admin

CONTROL = [
    (("forceschedulers", "almanac-run"), "force"),
    (("forceschedulers", "almanac-stage"), "force"),
    (("builds", "1"), "stop"),
    (("builds", "1"), "rebuild"),
    (("builders", "1", "builds", "1"), "rebuild"),
    (("buildrequests", "1"), "cancel"),
    (("buildrequests", "1"), "set_priority"),
    (("builders", "1"), "force"),
    (("workers", "1"), "pause"),
    (("workers", "1"), "kill"),
    (("schedulers", "1"), "enable"),
    (("masters", "1"), "stop"),
]
NOBODY = {"anonymous": True}
OTHER = {"username": "bob", "email": "admin@example.org", "full_name": "admin"}
ADMIN = {"username": "admin", "email": "admin", "full_name": "admin"}


class AuthzTest(TestReactorMixin, unittest.TestCase):
    """Asks the site's own rules, on a fake master."""

    rules = None

    @defer.inlineCallbacks
    def setUp(self):
        self.setup_test_reactor()
        self.master = yield fakemaster.make_master(self, wantData=True)
        self.rules.setMaster(self.master)

    async def allowed(self, path, action, user):
        try:
            await self.rules.assertUserAllowed(path, action, {}, user)
        except Forbidden:
            return False
        return True

    async def matrix(self, user):
        return {(path, action): await self.allowed(path, action, user) for path, action in CONTROL}

    def test_nobody_and_others_control_nothing(self):
        async def check():
            for user in (NOBODY, OTHER, {}):
                assert set((await self.matrix(user)).values()) == {False}, user

        return defer.ensureDeferred(check())

    def test_the_admin_controls_all(self):
        async def check():
            assert set((await self.matrix(ADMIN)).values()) == {True}

        return defer.ensureDeferred(check())

    def test_everybody_may_look(self):
        async def check():
            assert await self.allowed(("builds", "1"), "get", NOBODY)

        return defer.ensureDeferred(check())


@pytest.fixture(scope="module", autouse=True)
def rules(config):
    AuthzTest.rules = config.www["authz"]


@pytest.fixture
def password(tmp_path):
    file = tmp_path / "admin-password"
    file.write_text("right\n", "utf-8")
    return file


@pytest.mark.parametrize(
    ("user", "word", "allowed"),
    [
        ("admin", "right", True),
        ("admin", "wrong", False),
        ("admin", "", False),
        ("admin", "right\n", False),
        ("Admin", "right", False),
        ("", "right", False),
        ("admin", "é", False),
    ],
)
def test_the_admin_is_known_by_the_password(password, user, word, allowed):
    assert is_admin(user, word, password) is allowed
    assert AdminAuth(password).check_credentials(user.encode(), word.encode()) is allowed


def test_without_a_password_nobody_is_the_admin(tmp_path, password):
    assert not is_admin("admin", "", tmp_path / "nowhere")
    password.write_text("\n")
    assert not is_admin("admin", "", password)


def test_strange_bytes_are_no_password(password):
    assert AdminAuth(password).check_credentials(b"\xff", b"\xff\xfe") is False


@pytest.mark.parametrize(("word", "allowed"), [(b"right", True), (b"wrong", False)])
def test_the_change_hook_knows_the_same_admin(password, config, word, allowed):
    answer = AdminChecker(password).requestAvatarId(UsernamePassword(b"admin", word))
    if allowed:
        assert answer.result == b"admin"
    else:
        answer.addErrback(lambda failure: failure.trap(UnauthorizedLogin))
        assert answer.result is UnauthorizedLogin
    assert config.www["change_hook_dialects"] == {"poller": True}
    assert [type(one) for one in config.www["change_hook_auth"]] == [AdminChecker]
