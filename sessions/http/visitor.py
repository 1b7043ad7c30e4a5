"""Load pages for one visitor over plain HTTP, as a browser does.

Handles redirects, refresh headers, cookies, basic authentication and the referer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from slipway.sessions.errors import SessionError
from slipway.sessions.http.cookies import Cookies
from slipway.sessions.http.forms import Submission
from slipway.sessions.http.page import Page, clean, join
from slipway.sessions.http.transport import Exchange, Transport, without_password

__all__ = ["MOST_REDIRECTS", "Visitor"]

MOST_REDIRECTS = 20
_MOST_REFRESHES = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEPS_METHOD = {307, 308}
_REFRESH = re.compile(r"\s*0*(?:\.\d*)?\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE)
_DEFAULTS = {
    "user-agent": "Mozilla/5.0 (compatible; slipway features)",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en",
    "accept-encoding": "gzip, deflate",
}


class Visitor:
    """Loads pages for one visitor of an application."""

    def __init__(self, base_url: str, headers: Mapping[str, str], transport: Transport) -> None:
        """Initialize; no connection is opened yet."""
        self.cookies = Cookies()
        self.exchanges: list[Exchange] = []
        """The requests and answers of the last page."""
        self._home = _origin(urlsplit(base_url))
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._transport = transport
        self._sign_ins: dict[str, str] = {}

    def forget(self) -> None:
        """Remove cookies and sign-ins."""
        self.cookies.clear()
        self._sign_ins.clear()
        self.exchanges = []

    def load(self, submission: Submission, referer: str | None = None) -> Page:
        """Return the page at the end of an address's or form's redirects.

        Raises:
            SessionError: The address is invalid, redirects in a circle, or is no page.
            SessionLost: The server does not answer.
        """
        self.exchanges = []
        passed: list[str] = []
        while True:
            page = self._follow(submission, referer)
            onward = _sent_on(page)
            if onward is None:
                return page
            passed.append(page.url)
            if len(passed) > _MOST_REFRESHES:
                msg = f"pages send on to each other without end: {' -> '.join(passed)}"
                raise SessionError(msg)
            submission, referer = Submission("GET", onward), page.url

    def _follow(self, submission: Submission, referer: str | None) -> Page:
        passed = [submission.url]
        while True:
            url, _, fragment = submission.url.partition("#")
            response, body = self._send(submission, url, referer)
            onward = response.headers.get("location")
            if response.status_code not in _REDIRECTS or onward is None:
                shown = str(response.request.url) + (f"#{fragment}" if fragment else "")
                page = Page(shown, response.status_code, response.headers, body)
                page.request = submission
                return page
            target = join(url, clean(onward))
            if fragment and "#" not in target:
                target += f"#{fragment}"
            passed.append(target)
            if len(passed) > MOST_REDIRECTS:
                raise SessionError(_circle([without_password(one) for one in passed]))
            submission = _redirected(submission, response.status_code, target)

    def _send(
        self, submission: Submission, url: str, referer: str | None
    ) -> tuple[httpx.Response, bytes]:
        parts = self._signed_in(_split(url))
        headers = {**self._own_headers(parts), **submission.headers}
        if referer is not None:
            headers.update(_coming_from(urlsplit(referer), parts))
        if submission.method != "GET":
            headers["content-length"] = str(len(submission.body))
            headers["origin"] = _origin(parts if referer is None else urlsplit(referer))
        try:
            address = parts._replace(path=parts.path or "/").geturl()
            request = httpx.Request(
                submission.method, address, headers=headers, content=submission.body
            )
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as wrong:
            raise SessionError(f'"{without_password(url)}" cannot be opened: {wrong}') from None
        self.cookies.send(request)
        exchange = Exchange(
            request.method, address, [*request.headers.multi_items()], len(submission.body)
        )
        self.exchanges.append(exchange)
        response, body = self._transport.send(request, exchange)
        self.cookies.receive(response)
        return response, body

    def _signed_in(self, parts: SplitResult) -> SplitResult:
        """Store the name and password of an address, as browsers do; return it without them."""
        signed, _, host = parts.netloc.rpartition("@")
        if not signed:
            return parts
        parts = parts._replace(netloc=host)
        user, _, password = signed.partition(":")
        both = f"{unquote(user)}:{unquote(password)}".encode()
        self._sign_ins[_origin(parts)] = f"Basic {base64.b64encode(both).decode()}"
        return parts

    def _own_headers(self, parts: SplitResult) -> dict[str, str]:
        """Return the headers of every request; the project's own are sent to its own host only."""
        headers = dict(_DEFAULTS)
        at_home = _origin(parts) == self._home
        headers.update({n: v for n, v in self._headers.items() if at_home or n in _DEFAULTS})
        sign_in = self._sign_ins.get(_origin(parts))
        if sign_in is not None:
            headers.setdefault("authorization", sign_in)
        return headers


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError as wrong:
        raise SessionError(f'"{without_password(url)}" is no address: {wrong}') from None
    if not known:
        raise SessionError(f'"{url}" is no page over HTTP: an address begins with http://host/')
    return parts


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _coming_from(page: SplitResult, target: SplitResult) -> dict[str, str]:
    """Return the referer: only the origin for other hosts, none from HTTPS to HTTP."""
    if _origin(page) == _origin(target):
        return {"referer": page._replace(fragment="").geturl()}
    if page.scheme == "https" and target.scheme == "http":
        return {}
    return {"referer": f"{_origin(page)}/"}


def _redirected(submission: Submission, status: int, target: str) -> Submission:
    if status in _KEEPS_METHOD:
        return Submission(submission.method, target, submission.headers, submission.body)
    return Submission("GET", target)


def _circle(passed: list[str]) -> str:
    last = passed[-1]
    if last not in passed[:-1]:
        return f"more than {MOST_REDIRECTS} redirects, from {passed[0]} to {last}"
    before = len(passed) - 2 - passed[-2::-1].index(last)
    return f"{passed[0]} leads in a circle of redirects: {' -> '.join(passed[before:])}"


def _sent_on(page: Page) -> str | None:
    """Return the target of a page's refresh; None if it only reloads itself."""
    refresh = page.headers.get("refresh", "")
    if not refresh and page.is_html and b"refresh" in page.body.lower():
        found = page.tree.xpath("//meta[@http-equiv and @content]")
        refresh = next((m.get("content") for m in found if _is_refresh(m.get("http-equiv"))), "")
    onward = _REFRESH.match(refresh)
    if onward is None:
        return None
    target = page.absolute(onward.group(1))
    return None if target.partition("#")[0] == page.url.partition("#")[0] else target


def _is_refresh(name: str) -> bool:
    return name.strip().lower() == "refresh"
