"""Store and send the cookies of one visitor, as browsers do."""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from slipway.sessions.errors import SessionError

__all__ = ["Cookies", "is_this_machine"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e ]*")


class _Policy(DefaultCookiePolicy):
    """Cookie policy that sends secure cookies to this machine.

    Browsers do so, too: nobody can eavesdrop on the way.
    """

    def return_ok_secure(self, cookie: Cookie, request: urllib.request.Request) -> bool:
        """Return True if a secure cookie may be sent."""
        allowed = super().return_ok_secure(cookie, request)
        return bool(allowed) or is_this_machine(urlsplit(request.get_full_url()).hostname or "")


def is_this_machine(host: str) -> bool:
    """Return True if a host is a loopback one."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Cookies:
    """The cookie jar of a visitor."""

    def __init__(self) -> None:
        """Create an empty jar."""
        self._kept = httpx.Cookies(CookieJar(_Policy()))

    def send(self, request: httpx.Request) -> None:
        """Add the cookies for its address to a request."""
        if len(self._kept.jar):
            self._kept.set_cookie_header(request)

    def receive(self, response: httpx.Response) -> None:
        """Store the cookies of an answer."""
        if "set-cookie" in response.headers:
            self._kept.extract_cookies(response)

    def value(self, name: str, url: str) -> str | None:
        """Return a cookie's value for a host; if there are several, that of the longest path."""
        host = _host(url)
        found = [
            one
            for one in self._kept.jar
            if one.name == name and not one.is_expired() and _is_for(one, host)
        ]
        return max(found, key=lambda one: len(one.path)).value if found else None

    def set(self, name: str, value: str, url: str) -> None:
        """Set a cookie for the whole of a host.

        Raises:
            SessionError: The name or the value is invalid in a cookie.
        """
        if not _NAME.fullmatch(name):
            raise SessionError(f"{name!r} is no name of a cookie: use letters, digits, - and _")
        if not _VALUE.fullmatch(value):
            msg = f"the cookie {name} cannot hold {value!r}: no semicolon, newline or letter beyond"
            raise SessionError(f"{msg} ASCII; quote it")
        host = _host(url)
        cookie = Cookie(
            version=0, name=name, value=value, port=None, port_specified=False, domain=host,
            domain_specified=False, domain_initial_dot=False, path="/", path_specified=True,
            secure=False, expires=None, discard=True, comment=None, comment_url=None, rest={},
        )  # fmt: skip
        self._kept.jar.set_cookie(cookie)

    def clear(self) -> None:
        """Remove all cookies."""
        self._kept.jar.clear()


def _host(url: str) -> str:
    """Return the host of an address as http.cookiejar writes it: a bare name gets ".local"."""
    name = re.sub(r":\d+$", "", urlsplit(url).netloc.rpartition("@")[2]).lower()
    return name if "." in name else f"{name}.local"


def _is_for(cookie: Cookie, host: str) -> bool:
    if cookie.domain.startswith("."):
        return f".{host}".endswith(cookie.domain)
    return host == cookie.domain
