"""The door: every request of the web server comes through it, whatever it is for.

Buildbot checks roles on its REST alone: `/sse`, plugins and static files are open, the websocket
does not look where a page came from, and nothing but a session's cookie tells who asks. The door
is the root resource that Twisted's site is given; the site's connections are Channels and its
requests Visits: all three are attributes that Twisted documents.
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
from slipway.master.access.users import Crowd
from slipway.master.web_server.channel import Channel
from slipway.master.web_server.connections import Connections
from slipway.master.web_server.streams import Events, Sockets, Streams
from slipway.model.access import Person, Unknown, may, refusal

#: What is not here takes "look". Signing in and out is for everybody.
_PATHS = {b"change_hook": "run.poll"}
_SIGN_IN = b"auth"
_SAFE = (b"GET", b"HEAD", b"OPTIONS")
_STARTING = 503
#: Buildbot's REST. A log of HTML is a page there, and what stages say is in it: none of it acts.
_REST = b"api"
_NO_ORIGIN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
#: What a page of another site must not even read.
_STREAMS = (b"ws", b"sse")
#: What `Sec-Fetch-Site` is where a page of the site's own asks, or the person did.
_OUR_PAGES = ("same-origin", "none")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
}


class Door(Resource):
    """Finds out who asks, and lets in who may."""

    def __init__(self, master: Any, inside: Any, crowd: Crowd) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inside = inside
        self._bearers = Bearers(master)
        self.crowd = crowd
        self.throttle = Throttle()
        streams = Streams(self.may_look)
        made = (master, streams, self.address)
        self._streams = {b"ws": Sockets(*made), b"sse": Events(*made)}

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return what is asked for, or a refusal."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if path == _REST:
            request.setHeader("content-security-policy", _NO_ORIGIN)
        request.person = self.crowd.nobody
        if not all(map(_plain, (path, *request.postpath))):
            # Twisted's files and Buildbot's REST would fail on it, and tell how: 500.
            return _Refusal(404, "there is nothing here; the path is no plain UTF-8 text")
        if origin := self._foreign(path, request):
            return _Refusal(403, f"a page of {origin} may not ask this of {self.crowd.url}")
        if path == _SIGN_IN:
            return self._inside.getChildWithDefault(path, request)
        token = credentials(request, "bearer")
        password = admin_password(self.crowd, request)
        if token is not None or password is not None:
            proving = self._proved(path, request, token, password)
            return DeferredResource(defer.ensureDeferred(proving))
        try:
            person = by_request(self.crowd, request)
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
            return await by_token(self._bearers, self.crowd, token, address)
        if password is not None:
            return await by_password(self.crowd, self.throttle, password, address)
        return by_request(self.crowd, request)

    async def may_look(self, request: Any) -> bool:
        """Find out anew whether whoever has opened a stream may still look."""
        sent = credentials(request, "bearer"), admin_password(self.crowd, request)
        try:
            person = await self._prove(request, *sent)
        except Unknown as error:
            return error.status == _STARTING
        return may(person, "look")

    def address(self, request: Any) -> str:
        """Return what a client's address counts as, by the configuration of now."""
        return address_of(self.crowd, request)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a reverse proxy, by the configuration of now."""
        return self.crowd.trusts(address)

    def _foreign(self, path: bytes, request: Any) -> str:
        """Return which other site's page has a browser ask this; empty: none."""
        # Signing out is a GET of Buildbot's.
        leaves = path == b"auth" and request.postpath[:1] == [b"logout"]
        safe = request.method in _SAFE and not leaves
        if safe and path not in _STREAMS:
            return ""
        origin = _text(request, b"origin")
        if origin is not None:
            return "" if origin.lower() in self.crowd.origins else origin or "nowhere"
        # No browser of today leaves it out where it matters; one that does may tell by these.
        if (_text(request, b"sec-fetch-site") or "none") not in _OUR_PAGES:
            return "another site"
        referer = None if safe else _text(request, b"referer")
        came = referer and "/".join(referer.split("/")[:3]).lower()
        return came if came and came not in self.crowd.origins else ""

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
        if path == b"" and self.crowd.access.provider != "proxy-header":
            return Redirect(b"/auth/login")
        return _Refusal(401, refusal(person, action))


def _text(request: Any, name: bytes) -> str | None:
    """Return a header as text, where it came."""
    value = request.getHeader(name)
    return None if value is None else value.decode("utf-8", "replace")


def _plain(part: bytes) -> bool:
    """Tell whether a part of a path is text that a file system and a database can have."""
    try:
        return "\0" not in part.decode()
    except UnicodeDecodeError:
        return False


class _Refusal(Resource):
    """A sentence that says why not, in the form the client understands."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._status, self._sentence = status, sentence

    def render(self, request: Any) -> bytes:
        request.setResponseCode(self._status)
        if self._status == 401:  # noqa: PLR2004  RFC 9110 wants it told how
            request.setHeader("www-authenticate", 'Bearer realm="slipway"')
        if b"text/html" in (request.getHeader(b"accept") or b""):
            request.setHeader("content-type", "text/html; charset=utf-8")
            page = "slipway.master.access/refusal.html.j2"
            return templates.render(page, sentence=self._sentence).encode()
        request.setHeader("content-type", "application/json; charset=utf-8")
        # As Buildbot's REST words its own: an object for POST, text for GET.
        told: Any = {"message": self._sentence} if request.method == b"POST" else self._sentence
        return json.dumps({"error": told}).encode()


def guard(master: Any, crowd: Crowd) -> Door:
    """Put the door before everything, or tell the one that is there of a new crowd."""
    site = master.www.site
    if isinstance(site.resource, Door):
        site.resource.crowd = crowd
        door = site.resource
    else:
        door = site.resource = Door(master, site.resource, crowd)
        site.requestFactory = Visit
        site.protocol = partial(Channel, Connections(door.trusts))
    return door
