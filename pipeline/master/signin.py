"""Signing in with a password of pipeline.toml, or by a reverse proxy."""

from __future__ import annotations

from typing import Any

from buildbot.www.auth import AuthBase, LoginResource, UserInfoProviderBase
from buildbot.www.resource import Redirect
from twisted.internet import defer
from twisted.python import log
from twisted.web.error import Error
from twisted.web.pages import forbidden

from slipway.master.access import Unknown, address_of, basic, check_patience
from slipway.master.crowd import Crowd
from slipway.master.door import Door, guard
from slipway.master.passwords import Comparing, TooBusy
from slipway.model.people import ADMIN, OAUTH


class Guarded(AuthBase):
    """What all have in common: before the web server listens, the door is put before it."""

    def __init__(self, crowd: Crowd, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.crowd = crowd

    def reconfigAuth(self, master: Any, new_config: Any) -> None:
        """Take up a configuration: Buildbot calls it before it listens, and at each reconfig."""
        super().reconfigAuth(master, new_config)
        self.door: Door = guard(master, self.crowd)


class Marks(UserInfoProviderBase):
    """What a session that began at a provider of OAuth must carry."""

    name = "slipway"

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def getUserInfo(self, username: Any) -> Any:
        """Return what Buildbot shall keep beside what the provider said.

        Raises:
            Error: They are called as the person Slipway makes; the admin has a password.
        """
        if str(username).lower() == ADMIN:
            raise Error(403, f'"{username}" is a name of Slipway\'s own; use another'.encode())
        return defer.succeed(self._crowd.session_info(str(username), self._crowd.provider_mark))


class PeopleAuth(Guarded):
    """Signs in people with a password, and the admin."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__(crowd)
        self._comparing = Comparing()

    def getLoginResource(self) -> Any:
        """Return the page a browser is asked for name and password by."""
        return _SignIn(self.master, self)

    async def sign_in(self, name: str, password: str, address: str) -> bool:
        """Tell whether this is who they say; whoever fails often must wait.

        Raises:
            Unknown: They have failed too often.
            TooBusy: Too many are signing in at once.
        """
        throttle = self.door.throttle
        check_patience(throttle, name, address)
        throttle.begins(name, address)
        if name == ADMIN:
            same = self.crowd.admin(password) is not None
        else:
            same = await self._comparing.same(password, self.crowd.hashes.get(name))
        if same:
            throttle.passed(name, address)
        else:
            log.msg(f"sign-in of {name[:100]!r} from {address!r} was refused")
        return same


class _SignIn(LoginResource):
    """HTTP's basic authentication, once; from then on there is a session."""

    def __init__(self, master: Any, auth: PeopleAuth) -> None:
        super().__init__(master)
        self._auth = auth

    def renderLogin(self, request: Any) -> Any:
        return defer.ensureDeferred(self._render(request))

    async def _render(self, request: Any) -> bytes:
        sent = basic(request)
        if sent is None:
            return _asked_again(request, "sign in with your name and password")
        name, password = sent
        crowd = self._auth.crowd
        try:
            same = await self._auth.sign_in(name, password, address_of(crowd, request))
        except Unknown as error:
            return _told(request, error.status, str(error))
        except TooBusy as error:
            return _told(request, 503, str(error))
        if not same:
            return _asked_again(request, "the name or the password is wrong")
        session = request.getSession()
        session.user_info = crowd.session_info(name, crowd.password_mark(name))
        session.updateSession(request)
        target = request.args.get(b"redirect", [b"/"])[0].decode("utf-8", "replace")
        raise Redirect(f"/#{target}")


def _asked_again(request: Any, sentence: str) -> bytes:
    request.setHeader("www-authenticate", 'Basic realm="slipway", charset="UTF-8"')
    return _told(request, 401, sentence)


def _told(request: Any, status: int, sentence: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", "text/plain; charset=utf-8")
    return f"{sentence}\n".encode()


class HeaderAuth(Guarded):
    """A reverse proxy signs people in: the door reads its header with each request."""

    def getLoginResource(self) -> Any:
        """Return a page that says so."""
        return forbidden(message="people sign in at the reverse proxy in front of this site")


def make_auth(crowd: Crowd) -> AuthBase:
    """Return Buildbot's `auth` for a site."""
    if crowd.access.provider in OAUTH:
        # It loads `requests`, which no other site needs.
        from slipway.master.providers import make_provider

        return make_provider(crowd)
    return HeaderAuth(crowd) if crowd.access.provider == "proxy-header" else PeopleAuth(crowd)
