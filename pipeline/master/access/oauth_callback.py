"""OAuth login with a `state` that is bound to the browser.

Buildbot's own class accepts a code from any browser: a page of another site could sign a person in
under the attacker's account (login CSRF, RFC 6749, section 10.12), and each forged code makes the
master query the provider in one of its few shared threads.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode

import requests
from buildbot.www.oauth2 import OAuth2LoginResource
from buildbot.www.resource import Redirect
from twisted.internet import defer
from twisted.web.error import Error

from slipway.master.access.identify import address_of
from slipway.master.access.login import Guarded
from slipway.master.access.rate_limits import Buckets

__all__ = ["Returning"]

#: Cookie of a browser that has begun to sign in; codes are accepted only with it.
_BEGUN = b"SIGN_IN_BEGUN"
_NUMBER = re.compile(rb"[A-Za-z0-9_-]{32}")
_HALF_AN_HOUR = "1800"
#: Rate limit of codes per address: burst, and rate per second.
_AT_ONCE, _A_SECOND = 20, 0.5


class Returning(Guarded):
    """Base class: accepts a code only from a browser that it has sent to the provider."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.codes = Buckets(_AT_ONCE, _A_SECOND)

    def getLoginResource(self) -> Any:
        """Return the resource that redirects to the provider and handles the callback."""
        return _SignIn(self.master, self)


class _SignIn(OAuth2LoginResource):
    """Begin and callback of an OAuth login."""

    def renderLogin(self, request: Any) -> Any:
        code = request.args.get(b"code", [b""])[0]
        return defer.ensureDeferred(self._take(request) if code else self._send(request))

    async def _send(self, request: Any) -> None:
        # Reuse the number: a second tab must not invalidate the login of the first.
        kept = request.getCookie(_BEGUN) or b""
        number = kept if _NUMBER.fullmatch(kept) else secrets.token_urlsafe(24).encode()
        request.addCookie(_BEGUN, number, path="/auth", max_age=_HALF_AN_HOUR)
        state = {"begun": number}
        if target := request.args.get(b"redirect", [b""])[0]:
            state["redirect"] = target
        url = await self.auth.getLoginURL(None)
        raise Redirect(f"{url}&{urlencode({'state': urlencode(state)})}")

    async def _take(self, request: Any) -> Any:
        state = parse_qs(request.args.get(b"state", [b""])[0].decode("utf-8", "replace"))
        kept, begun = request.getCookie(_BEGUN) or b"", state.get("begun", [""])[0]
        if not kept or not hmac.compare_digest(kept, begun.encode()):
            raise Error(403, b"this browser has not begun to sign in here; sign in again")
        if not self.auth.codes.take(address_of(self.auth.users, request)):
            raise Error(429, b"too many sign-ins from this address; try again in a few seconds")
        try:
            return await super().renderLogin(request)
        except Redirect as home:
            # Buildbot looks up a str key in a state parsed as bytes, and never finds the redirect.
            target = state.get("redirect", [""])[0]
            raise Redirect(home.url + f"#{target}".encode() if target else home.url) from None
        except requests.HTTPError:
            raise Error(403, b"the provider does not know this code; sign in again") from None
        except requests.RequestException:
            raise Error(502, b"the provider does not answer; try again later") from None
