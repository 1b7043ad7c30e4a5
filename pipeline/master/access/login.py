"""Login with a password of pipeline.toml, or by a reverse proxy."""

from __future__ import annotations

from typing import Any

from buildbot.www.auth import AuthBase, LoginResource, LogoutResource, UserInfoProviderBase
from buildbot.www.resource import Redirect
from twisted.internet import defer
from twisted.python import log
from twisted.web.error import Error
from twisted.web.pages import forbidden

from slipway.master.access.gateway import Gateway, guard
from slipway.master.access.identify import address_of, basic, by_password
from slipway.master.access.login_throttle import Attempt
from slipway.master.access.passwords import Comparing, TooBusy
from slipway.master.access.users import Users
from slipway.model.access import Unknown
from slipway.model.people import ADMIN

__all__ = ["Guarded", "HeaderAuth", "Marks", "PeopleAuth"]

#: Device cookie of a browser that has signed in before; other people's guesses do not count for it.
_BROWSER = b"SLIPWAY_BROWSER"
_A_YEAR = str(365 * 86400)
_UNAUTHORIZED = 401
#: One more than the longest name: longer ones are cut and never match.
_LONGEST_NAME = 101


class Guarded(AuthBase):
    """Base class of Buildbot's auth: installs the gateway before the web server listens."""

    def __init__(self, users: Users, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.users = users

    def reconfigAuth(self, master: Any, new_config: Any) -> None:
        """Install the gateway; Buildbot calls this before it listens and at each reconfig."""
        super().reconfigAuth(master, new_config)
        self.gateway: Gateway = guard(master, self.users)

    def getLogoutResource(self) -> Any:
        """Return the logout resource, which unlike Buildbot's ends the session on the server."""
        return _SignOut(self.master, self)


class Marks(UserInfoProviderBase):
    """Session fingerprints for logins with an OAuth provider."""

    name = "slipway"

    def __init__(self, users: Users) -> None:
        self._users = users

    def getUserInfo(self, username: Any) -> Any:
        """Return what Buildbot stores in the session beside the provider's facts.

        Raises:
            Error: The name is reserved for the admin, who signs in with a password.
        """
        if str(username).lower() == ADMIN:
            raise Error(403, f'"{username}" is a name of Slipway\'s own; use another'.encode())
        return defer.succeed(self._users.session_info(str(username), vouched=True))


class PeopleAuth(Guarded):
    """Password login of people and the admin."""

    def __init__(self, users: Users) -> None:
        super().__init__(users)
        self._comparing = Comparing()

    def getLoginResource(self) -> Any:
        """Return the login resource, which asks for name and password."""
        return _SignIn(self.master, self)

    async def sign_in(self, attempt: Attempt, password: str) -> bool:
        """Return whether the password is right; repeated failures are throttled.

        Raises:
            Unknown: Too many have failed, and others wait already.
            TooBusy: Too many are signing in at once.
        """
        if attempt.name == ADMIN:
            return await self._is_admin(password, attempt.address)
        throttle = self.gateway.throttle
        await throttle.turn(attempt)
        kept = self.users.hashes.get(attempt.name)
        if kept is None and throttle.crowded(attempt.address):
            # A flood of unknown names: take the usual time, without using the processor.
            await self._comparing.pretend()
            same = False
        else:
            same = await self._comparing.same(password, kept)
        if same:
            throttle.passed(attempt)
        else:
            log.msg(f"sign-in of {attempt.name[:100]!r} from {attempt.address!r} was refused")
        return same

    async def _is_admin(self, password: str, address: str) -> bool:
        try:
            await by_password(self.users, self.gateway.throttle, password, address)
        except Unknown as error:
            if error.status != _UNAUTHORIZED:
                raise
            return False
        return True


class _SignIn(LoginResource):
    """Login by HTTP basic authentication, once; later requests use the session."""

    def __init__(self, master: Any, auth: PeopleAuth) -> None:
        super().__init__(master)
        self._auth = auth

    def renderLogin(self, request: Any) -> Any:
        signing_in = defer.ensureDeferred(self._render(request))
        # A disconnected client must not hold a place in the queue.
        request.notifyFinish().addErrback(lambda _: signing_in.cancel())
        return signing_in.addErrback(lambda failure: failure.trap(defer.CancelledError) and None)

    async def _render(self, request: Any) -> bytes:
        sent = basic(request)
        if sent is None:
            return _asked_again(request, "sign in with your name and password")
        name, password = sent[0][:_LONGEST_NAME], sent[1]
        users = self._auth.users
        kept = (request.getCookie(_BROWSER) or b"").decode("ascii", "replace")
        browser = users.sessions.browser_number(name, kept)
        attempt = Attempt(name, address_of(users, request), browser, users.has(name))
        try:
            same = await self._auth.sign_in(attempt, password)
        except Unknown as error:
            return _refuse(request, error.status, str(error))
        except TooBusy as error:
            return _refuse(request, 503, str(error))
        if not same:
            return _asked_again(request, "the name or the password is wrong")
        if not browser:
            request.addCookie(_BROWSER, users.sessions.browser(name), path="/auth", max_age=_A_YEAR)
        session = request.getSession()
        session.user_info = users.session_info(name)
        session.updateSession(request)
        target = request.args.get(b"redirect", [b"/"])[0].decode("utf-8", "replace")
        raise Redirect(f"/#{target}")


class _SignOut(LogoutResource):
    """Logout: ends the session on the server, then deletes the cookie."""

    def __init__(self, master: Any, auth: Guarded) -> None:
        super().__init__(master)
        self._auth = auth

    def render_GET(self, request: Any) -> bytes:
        self._auth.users.end_session(request.getSession().user_info)
        return bytes(super().render_GET(request))


def _asked_again(request: Any, sentence: str) -> bytes:
    request.setHeader("www-authenticate", 'Basic realm="slipway", charset="UTF-8"')
    return _refuse(request, 401, sentence)


def _refuse(request: Any, status: int, sentence: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    return f"{sentence}\n".encode()


class HeaderAuth(Guarded):
    """Login at a reverse proxy: the gateway reads its header with each request."""

    def getLoginResource(self) -> Any:
        """Return a page that explains it."""
        return forbidden(message="people sign in at the reverse proxy in front of this site")
