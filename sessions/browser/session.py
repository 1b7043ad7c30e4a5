"""Session in a real browser: pages that run JavaScript and change on their own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser import evidence as browser_evidence
from slipway.sessions.browser import scripts
from slipway.sessions.browser.element import BrowserElement, SoughtElement, way_to
from slipway.sessions.browser.errors import translated_errors
from slipway.sessions.browser.visitor import BrowserVisitor
from slipway.sessions.element import Element
from slipway.sessions.errors import SessionError, SessionLost, Transient, Unsupported
from slipway.sessions.label_search import path_of
from slipway.sessions.locators import inside, named
from slipway.sessions.session import Evidence

__all__ = ["BrowserElement", "BrowserSession"]

T = TypeVar("T")
_SCHEMES = frozenset({"http", "https", "about", "data", "file", "chrome"})
_MOVES = ("back", "forward")
_PAUSE = 0.05
_TRIES = 20
# Timeout in seconds for leaving a page.
_RESET = 5.0


class BrowserSession(BrowserVisitor):
    """A visitor in a browser; missing elements are searched again until patience ends."""

    # ---- pages

    def visit(self, address: str) -> None:
        """Open a page by a path or a whole URL.

        Raises:
            SessionError: The page times out, or redirects in a circle.
            SessionLost: The application is not reachable, or the browser is gone.
        """
        whole = urlsplit(address).scheme in _SCHEMES
        url = address if whole else self.base_url + address.lstrip("/")
        self._page_action(lambda: self._open(url), url)
        self._cookies.visited(url)

    def _open(self, url: str) -> None:
        self.browser.get(url)
        # WebDriver reports no error if the browser shows its own error page.
        if self.browser.execute_script("return location.protocol") == "chrome-error:":
            log = (entry["message"] for entry in self.log("performance"))
            reason = browser_evidence.why_not_shown(log)
            msg = f"{url}: the browser cannot show it ({reason})"
            raise Unsupported(msg)

    def back(self) -> None:
        """Go back one page."""
        self._page_action(self.browser.back, "back")

    def forward(self) -> None:
        """Go forward one page."""
        self._page_action(self.browser.forward, "forward")

    def reload(self) -> None:
        """Reload the page."""
        self._page_action(self.browser.refresh, "reload")

    def _page_action(self, action: Callable[[], None], doing: str) -> None:
        before = self.url if doing in _MOVES else ""

        def once() -> None:
            try:
                with translated_errors(doing):
                    action()
            except Transient:
                # The page's own script navigated at that moment: history has moved once.
                if doing in _MOVES and self.url != before:
                    return
                raise

        self.when_stable(once)

    @property
    def url(self) -> str:
        """The address of the page; the last known one if it is not available."""
        for _ in range(_TRIES):
            try:
                with translated_errors():
                    self._url = self.browser.current_url
                break
            except Transient:
                self._windows.recover()
                time.sleep(_PAUSE)
            except SessionError:
                break
        return self._url

    @property
    def title(self) -> str:
        """The title of the page."""
        return self._query(lambda: self.browser.title)

    @property
    def html(self) -> str:
        """The page's present HTML."""
        return self._query(lambda: cast("str", self.browser.execute_script(scripts.PAGE_HTML)))

    @property
    def text(self) -> str:
        """The page's visible text, white space folded."""
        text = self._query(lambda: self.browser.execute_script(scripts.PAGE_TEXT))
        return " ".join(str(text or "").split())

    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return all elements that an XPath finds on the page.

        Raises:
            Transient: The page is changing; raised only inside a retried query.
        """
        return self._query(lambda: self.found(self.run_script("all", [[path_of(xpath)]])))

    def found(self, answer: dict[str, Any]) -> Sequence[BrowserElement]:
        """Return the elements in a page script's answer."""
        return [BrowserElement(self, one) for one in answer["elements"]]

    # ---- find and act as one operation, where `Session` would query several times

    def _act(self, kind: str, locator: str, action: Callable[[Element], None]) -> None:
        sought = self._sought(kind, locator)
        self._until(lambda: action(sought))

    def _sought(self, kind: str, locator: str) -> SoughtElement:
        return SoughtElement(self, [*self._inside, (kind, locator)])

    def _first(self, kind: str, locator: str) -> BrowserElement:
        return BrowserElement(self, self._sought(kind, locator).query("find")["element"])

    def _all(self, kind: str, locator: str) -> Sequence[Element]:
        sought = self._sought(kind, locator)
        inner = named(kind, locator)
        way = [*way_to(self._inside), [path_of(inside(inner) if self._inside else inner)]]
        return self.found(sought.query("all", way=way))

    def _shown_text(self) -> str:
        return SoughtElement(self, self._inside).text if self._inside else self.text

    def execute(self, script: str, *arguments: object) -> object:
        """Run JavaScript in the page; `return` what is to be returned.

        Args:
            script: The body of a function; a returned promise is awaited.
            arguments: The function's `arguments`; may include elements.

        Raises:
            SessionError: The script fails.
        """
        plain = [_unwrapped(one) for one in arguments]
        return self._wrapped(self._read(lambda: self.browser.execute_script(script, *plain)))

    def _wrapped(self, value: object) -> object:
        if isinstance(value, WebElement):
            return BrowserElement(self, value)
        if isinstance(value, list):
            return [self._wrapped(one) for one in value]
        return value

    # ---- end

    def reset(self) -> None:
        """Reset the visitor: alerts, windows, cookies, storage; the browser stays open.

        Raises:
            SessionLost: The browser is gone; start another one.
        """
        self._inside.clear()

        def once() -> None:
            with translated_errors("reset"):
                self._windows.leave_one()
                self._cookies.visited(self.url)
                self._cookies.clear_storage()
                self.browser.get("about:blank")
                self._windows.restore_size()
                for kind in ("browser", "performance"):
                    self.log(kind).clear()

        try:
            self._until(once, max(self.patience, _RESET))
        except SessionError as stuck:
            msg = f"the browser could not be reset ({stuck}); the scenario needs another one"
            raise SessionLost(msg) from None
        self._url = "about:blank"

    def close(self) -> None:
        """End the session and its browser. Idempotent."""
        with contextlib.suppress(Exception):
            self.browser.quit()

    def evidence(self) -> list[Evidence]:
        """Return picture, page, console and failed requests; never raises."""
        return browser_evidence.collect(self)

    def frame(self, title: str) -> Evidence | None:
        """Return a small picture of the page for a film; None if it is not available."""
        return browser_evidence.frame(self, title)


def _unwrapped(value: object) -> object:
    return value.web_element if isinstance(value, BrowserElement) else value
