"""The door: every request of the web server comes through it, whatever it is for.

Buildbot checks roles on its REST alone: `/sse`, plugins and static files are open, the websocket
does not look where a page came from, and nothing but a session's cookie tells who asks. The door
is the root resource that Twisted's site is given, and the site's requests are Visits: both are
attributes that Twisted documents.
"""

from __future__ import annotations

import html
import json
from typing import Any

from twisted.internet import defer
from twisted.web.resource import Resource
from twisted.web.server import Request
from twisted.web.util import DeferredResource, Redirect

from slipway.master.access import Unknown, by_request, by_token, credentials
from slipway.master.crowd import Crowd
from slipway.master.throttle import Throttle
from slipway.model.access import Person, may, refusal

#: What is not here takes "look". Signing in and out is for everybody.
_PATHS = {b"change_hook": "run.poll"}
_SIGN_IN = b"auth"
_SAFE = (b"GET", b"HEAD", b"OPTIONS")
#: What a page of another site must not even read.
_STREAMS = (b"ws", b"sse")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
}


class Known(dict[str, Any]):
    """Buildbot's user_info of somebody the door knows; no cookie can hold one."""

    def __init__(self, person: Person) -> None:
        super().__init__(username=person.name, email=person.name, full_name=person.called)
        self.person = person


class Visit(Request):
    """A request that knows who asks, and whose cookies scripts and other sites do not see."""

    person: Person
    site: Any
    _own: Any = None

    def known_as(self, person: Person) -> None:
        """Have Buildbot take this person for the one who asks, in this request alone."""
        self._own = self.site.makeSession()
        self._own.user_info = Known(person)

    def getSession(self, *args: Any, **options: Any) -> Any:
        """Return the session; one that came by no cookie leaves none."""
        return self._own or super().getSession(*args, **options)  # type: ignore[no-untyped-call]

    def addCookie(self, k: Any, v: Any, **options: Any) -> None:  # type: ignore[override]
        """Set a cookie; Buildbot's own have neither HttpOnly nor SameSite."""
        secure = bool(options.pop("secure", False)) or self.site.resource.crowd.secure
        options |= {"httpOnly": True, "sameSite": "lax"}
        super().addCookie(k, v, secure=secure, **options)  # type: ignore[no-untyped-call]


class Door(Resource):
    """Finds out who asks, and lets in who may."""

    def __init__(self, master: Any, inside: Any, crowd: Crowd) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._master, self._inside = master, inside
        self.crowd = crowd
        self.throttle = Throttle()

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return what is asked for, or a refusal."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        request.person = self.crowd.nobody
        if self._foreign(path, request):
            origin = (request.getHeader(b"origin") or b"").decode("utf-8", "replace")
            return _Refusal(403, f"a page of {origin} may not ask this of {self.crowd.url}")
        if path == _SIGN_IN:
            return self._inside.getChildWithDefault(path, request)
        token = credentials(request, "bearer")
        if token is not None:
            return DeferredResource(defer.ensureDeferred(self._by_token(path, request, token)))
        try:
            person = by_request(self.crowd, self.throttle, request)
        except Unknown as error:
            return _Refusal(error.status, str(error))
        return self._admit(path, request, person)

    async def _by_token(self, path: bytes, request: Any, token: str) -> Any:
        try:
            person = await by_token(self._master, self.crowd, token)
        except Unknown as error:
            return _Refusal(error.status, str(error))
        return self._admit(path, request, person)

    def _foreign(self, path: bytes, request: Any) -> bool:
        """Tell whether a page of another site has a browser ask this."""
        origin = request.getHeader(b"origin")
        if origin is None or (request.method in _SAFE and path not in _STREAMS):
            return False
        return origin.decode("utf-8", "replace").lower() not in self.crowd.origins

    def _admit(self, path: bytes, request: Any, person: Person) -> Any:
        request.person = person
        if person.via not in {"", "session"}:
            request.known_as(person)
        action = _PATHS.get(path, "look")
        if not may(person, action):
            return self._refusal(path, person, action)
        if path in _PATHS and request.method != b"POST":
            return _Refusal(405, "this takes POST")
        return self._inside.getChildWithDefault(path, request)

    def _refusal(self, path: bytes, person: Person, action: str) -> Any:
        if not person.anonymous:
            return _Refusal(403, refusal(person, action))
        if path == b"" and self.crowd.access.provider != "proxy-header":
            return Redirect(b"/auth/login")
        return _Refusal(401, refusal(person, action))


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
            return _PAGE.format(html.escape(self._sentence)).encode()
        request.setHeader("content-type", "application/json; charset=utf-8")
        # As Buildbot's REST words its own: an object for POST, text for GET.
        told: Any = {"message": self._sentence} if request.method == b"POST" else self._sentence
        return json.dumps({"error": told}).encode()


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Not for you</title>
<p>{}</p><p><a href="/auth/login">Sign in</a> <a href="/auth/logout">Sign out</a></p></html>
"""


def guard(master: Any, crowd: Crowd) -> Door:
    """Put the door before everything, or tell the one that is there of a new crowd."""
    site = master.www.site
    if isinstance(site.resource, Door):
        site.resource.crowd = crowd
        door = site.resource
    else:
        door = site.resource = Door(master, site.resource, crowd)
        site.requestFactory = Visit
    return door
