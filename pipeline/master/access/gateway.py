"""Gateway: the root resource that authenticates and authorizes every request of the web server.

Buildbot checks roles only on its REST API: plugins, static files and `/sse` are open
(https://github.com/buildbot/buildbot/issues/5433), the websocket does not check the origin, and a
session cookie is the only authentication. The gateway is set as `site.resource`, with Channel as
`site.protocol` and Visit as `site.requestFactory`: all three are documented attributes of Twisted.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from twisted.internet import defer
from twisted.web.resource import Resource
from twisted.web.util import DeferredResource, Redirect

from slipway.html import templates
from slipway.master.access.bearer_tokens import Bearers
from slipway.master.access.identify import (
    address_of,
    admin_password,
    by_password,
    by_request,
    by_token,
    credentials,
)
from slipway.master.access.login_throttle import Throttle
from slipway.master.access.request import Visit
from slipway.master.access.users import Users
from slipway.master.notify.unsubscribe_page import UnsubscribePage
from slipway.master.notify.unsubscribing import PATH
from slipway.master.web_server.channel import Channel
from slipway.master.web_server.connections import Connections
from slipway.master.web_server.streams import Events, Sockets, Streams
from slipway.model.access import Person, Unknown, may, refusal

__all__ = ["Gateway", "guard"]

#: Permissions of paths; others need "look". Signing in and out is open to everybody.
_PATHS = {b"change_hook": "run.poll"}
_SIGN_IN = b"auth"
#: Ends notices of whoever has the signed address, without signing in.
_UNSUBSCRIBE = PATH.encode()
_SAFE = (b"GET", b"HEAD", b"OPTIONS")
_STARTING = 503
#: Buildbot's REST API serves logs as HTML pages; they contain output of stages, so scripts in them
#: must not run.
_REST = b"api"
_NO_ORIGIN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
#: Paths that pages of other sites must not even read.
_STREAMS = (b"ws", b"sse")
#: Values of `Sec-Fetch-Site` for requests by the site's own pages, or typed by the person.
_OUR_PAGES = ("same-origin", "none")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
}


class Gateway(Resource):
    """The root resource: authenticates each request, and admits it if the person has permission."""

    def __init__(self, master: Any, inside: Any, users: Users) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inside = inside
        self._bearers = Bearers(master)
        open_to_all: Any = Resource()
        open_to_all.putChild(_UNSUBSCRIBE, UnsubscribePage(master))
        self._open = open_to_all
        self.users = users
        self.throttle = Throttle()
        streams = Streams(self.may_look)
        made = (master, streams, self.address)
        self._streams = {b"ws": Sockets(*made), b"sse": Events(*made)}

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return the requested resource, or a refusal."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if path == _REST:
            request.setHeader("content-security-policy", _NO_ORIGIN)
        request.person = self.users.nobody
        if not all(map(_plain, (path, *request.postpath))):
            # Twisted's static files and Buildbot's REST API would fail with a 500 and details.
            return _Refusal(404, "there is nothing here; the path is no plain UTF-8 text")
        if origin := self._foreign(path, request):
            return _Refusal(403, f"a page of {origin} may not ask this of {self.users.url}")
        if path in {_SIGN_IN, _UNSUBSCRIBE}:
            inside = self._inside if path == _SIGN_IN else self._open
            return inside.getChildWithDefault(path, request)
        token = credentials(request, "bearer")
        password = admin_password(self.users, request)
        if token is not None or password is not None:
            proving = self._proved(path, request, token, password)
            return DeferredResource(defer.ensureDeferred(proving))
        try:
            person = by_request(self.users, request)
        except Unknown as error:
            return _Refusal(error.status, str(error))
        return self._admit(path, request, person)

    async def _proved(
        self, path: bytes, request: Any, token: str | None, password: str | None
    ) -> Any:
        try:
            person = await self._prove(request, token, password)
        except Unknown as error:
            return _Refusal(error.status, str(error))
        return self._admit(path, request, person)

    async def _prove(self, request: Any, token: str | None, password: str | None) -> Person:
        address = self.address(request)
        if token is not None:
            return await by_token(self._bearers, self.users, token, address)
        if password is not None:
            return await by_password(self.users, self.throttle, password, address)
        return by_request(self.users, request)

    async def may_look(self, request: Any) -> bool:
        """Return whether the person of an open stream may still look."""
        sent = credentials(request, "bearer"), admin_password(self.users, request)
        try:
            person = await self._prove(request, *sent)
        except Unknown as error:
            return error.status == _STARTING
        return may(person, "look")

    def address(self, request: Any) -> str:
        """Return the key of a client's address, by the current configuration."""
        return address_of(self.users, request)

    def trusts(self, address: str) -> bool:
        """Return whether an address belongs to a reverse proxy, by the current configuration."""
        return self.users.trusts(address)

    def _foreign(self, path: bytes, request: Any) -> str:
        """Return the other site whose page made this request (CSRF check); empty: none."""
        # Buildbot signs out with a GET request, so it needs the check too.
        leaves = path == b"auth" and request.postpath[:1] == [b"logout"]
        safe = request.method in _SAFE and not leaves
        if safe and path not in _STREAMS:
            return ""
        origin = _text(request, b"origin")
        if origin is not None:
            return "" if origin.lower() in self.users.origins else origin or "nowhere"
        # Current browsers always send Origin where it matters; for others use these headers.
        if (_text(request, b"sec-fetch-site") or "none") not in _OUR_PAGES:
            return "another site"
        referer = None if safe else _text(request, b"referer")
        came = referer and "/".join(referer.split("/")[:3]).lower()
        return came if came and came not in self.users.origins else ""

    def _admit(self, path: bytes, request: Any, person: Person) -> Any:
        request.person = person
        if person.via not in {"", "session"}:
            request.known_as(person)
        action = _PATHS.get(path, "look")
        if not may(person, action):
            return self._refusal(path, person, action)
        if path in _PATHS and request.method != b"POST":
            return _Refusal(405, "this takes POST")
        return self._streams.get(path) or self._inside.getChildWithDefault(path, request)

    def _refusal(self, path: bytes, person: Person, action: str) -> Any:
        if not person.anonymous:
            return _Refusal(403, refusal(person, action))
        if path == b"" and self.users.access.provider != "proxy-header":
            return Redirect(b"/auth/login")
        return _Refusal(401, refusal(person, action))


def _text(request: Any, name: bytes) -> str | None:
    """Return a header as text; None if it is missing."""
    value = request.getHeader(name)
    return None if value is None else value.decode("utf-8", "replace")


def _plain(part: bytes) -> bool:
    """Return whether a path segment is valid text for file systems and databases."""
    try:
        return "\0" not in part.decode()
    except UnicodeDecodeError:
        return False


class _Refusal(Resource):
    """A refusal with a sentence, as HTML or JSON according to the Accept header."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._status, self._sentence = status, sentence

    def render(self, request: Any) -> bytes:
        request.setResponseCode(self._status)
        if self._status == 401:  # noqa: PLR2004  RFC 9110 requires this header
            request.setHeader("www-authenticate", 'Bearer realm="slipway"')
        if b"text/html" in (request.getHeader(b"accept") or b""):
            request.setHeader("content-type", "text/html; charset=utf-8")
            page = "slipway.master.access/refusal.html.j2"
            return templates.render(page, sentence=self._sentence).encode()
        request.setHeader("content-type", "application/json; charset=utf-8")
        # In the form of Buildbot's REST API: an object for POST, text for GET.
        error: Any = {"message": self._sentence} if request.method == b"POST" else self._sentence
        return json.dumps({"error": error}).encode()


def guard(master: Any, users: Users) -> Gateway:
    """Install the gateway as the root resource, or give the existing one the new people."""
    site = master.www.site
    if isinstance(site.resource, Gateway):
        site.resource.users = users
        gateway = site.resource
    else:
        gateway = site.resource = Gateway(master, site.resource, users)
        site.requestFactory = Visit
        site.protocol = partial(Channel, Connections(gateway.trusts))
    return gateway
