"""Session over plain HTTP: no browser, no scripts, a few milliseconds per page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from slipway.sessions.element import Element
from slipway.sessions.errors import SessionError, Unsupported
from slipway.sessions.http.element import HttpElement
from slipway.sessions.http.evidence import shown_exchanges, shown_page
from slipway.sessions.http.forms import Submission
from slipway.sessions.http.page import Page
from slipway.sessions.http.tab import Tab
from slipway.sessions.http.transport import Transport, without_password
from slipway.sessions.http.visitor import Visitor
from slipway.sessions.http.xpath import elements
from slipway.sessions.session import Evidence, Session

MAX_PAGE = 64 << 20


class HttpSession(Session):
    """A visitor whose browser supports links, forms, cookies and redirects, but no scripts."""

    driver = "http"

    def __init__(
        self,
        base_url: str,
        *,
        patience: float = 0.0,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        max_page: int = MAX_PAGE,
        verify: bool | str = True,
    ) -> None:
        """Initialize; no connection is opened yet.

        Args:
            base_url: The base of paths; its name and password are used for basic authentication.
            patience: Seconds for retries; a page over plain HTTP does not change on its own.
            timeout: Timeout of one answer in seconds.
            headers: Headers of every request to the application.
            max_page: Maximum bytes of a page.
            verify: Verify certificates; or the path of the trusted authorities' file.

        Raises:
            SessionError: The base URL or a header is invalid.
        """
        super().__init__(base_url, patience=patience)
        _check(self.base_url, headers or {})
        self._transport = Transport(timeout=timeout, max_page=max_page, verify=verify)
        self._visitor = Visitor(self.base_url, headers or {}, self._transport)
        self._tab = Tab(self._visitor, most_kept=max_page)

    def visit(self, address: str) -> None:
        """Open a page by a path or a whole URL.

        Raises:
            SessionError: It is no page over HTTP, times out, is too large, or never ends.
            SessionLost: The server does not answer.
        """
        if address.strip().lower().startswith("javascript:"):
            raise Unsupported(f"{address[:80]} is a script; tag the scenario @javascript")
        self._tab.open(Submission("GET", self.absolute(address.strip())), referred=False)

    def back(self) -> None:
        """Go back one page."""
        self._tab.step(-1)

    def forward(self) -> None:
        """Go forward one page."""
        self._tab.step(1)

    def reload(self) -> None:
        """Reload the page; form data is sent again."""
        self._tab.again()

    @property
    def url(self) -> str:
        """The address of the page; about:blank before the first one."""
        return self._tab.url

    @property
    def title(self) -> str:
        """The title of the page."""
        return self._tab.page.title if self._tab.page else ""

    @property
    def html(self) -> str:
        """The page's HTML as received; empty if it is not text."""
        return self._tab.page.source if self._tab.page else ""

    @property
    def content(self) -> bytes:
        """The bytes of the page, such as a file that was downloaded."""
        return self._tab.page.body if self._tab.page else b""

    @property
    def text(self) -> str:
        """The visible text, white space folded; for a picture or file a description."""
        return self._tab.page.text if self._tab.page else ""

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        return self._shown().status

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers of the page; names are case-insensitive."""
        return self._shown().headers

    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return all elements that an XPath finds on the page.

        Raises:
            SessionError: It is no valid XPath 1.0, or it selects other nodes than elements.
        """
        page = self._tab.page
        if page is None:
            return []
        nodes = elements(page.tree.getroottree(), xpath)
        return [HttpElement(self._tab, page, one) for one in nodes]

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value; None if there is none."""
        return self._visitor.cookies.value(name, self._host())

    def set_cookie(self, name: str, value: str) -> None:
        """Set a cookie for the application.

        Raises:
            SessionError: The name or the value is invalid in a cookie.
        """
        self._visitor.cookies.set(name, value, self._host())

    def clear_cookies(self) -> None:
        """Remove all cookies."""
        self._visitor.cookies.clear()

    def reset(self) -> None:
        """Reset the visitor: cookies, sign-ins, pages; connections stay open."""
        self._visitor.forget()
        self._tab.forget()
        self._inside = []

    def close(self) -> None:
        """Close the connections and reset the visitor. Idempotent."""
        self.reset()
        self._transport.close()

    def evidence(self) -> list[Evidence]:
        """Return the page and its requests, without passwords and cookies; never raises."""
        kept = []
        page = self._tab.page
        if page is not None and page.is_text:
            kept.append(Evidence("page.html", "text/html; charset=utf-8", shown_page(page)))
        if self._visitor.exchanges:
            text = shown_exchanges(self._visitor.exchanges, self.url)
            kept.append(Evidence("http.txt", "text/plain; charset=utf-8", text))
        return kept

    def _act(self, kind: str, locator: str, action: Callable[[Element], None]) -> None:
        """Search the element until patience ends, but act once: a form must not be sent twice."""
        action(self.find(kind, locator))

    def _shown(self) -> Page:
        if self._tab.page is None:
            raise SessionError("no page is open yet: visit one first")
        return self._tab.page

    def _host(self) -> str:
        return self.base_url if self._tab.page is None else self.url


def _check(base_url: str, headers: Mapping[str, str]) -> None:
    """Validate the arguments of a session.

    Raises:
        SessionError: The base URL or a header is invalid.
    """
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        shown = without_password(base_url)
        raise SessionError(f'"{shown}" is no base URL: it begins with http://host or https://host')
    for name, value in headers.items():
        if not f"{name}{value}".isprintable() or not f"{name}{value}".isascii() or not name:
            raise SessionError(f"the header {name!r}: {value!r} cannot be sent: plain ASCII only")


__all__ = ["MAX_PAGE", "HttpElement", "HttpSession"]
