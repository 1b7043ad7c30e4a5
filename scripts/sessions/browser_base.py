"""What a browser session stands on: looking again while a page changes, and the browser's logs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from slipway.features import browser_scripts as scripts
from slipway.features.browser_cookies import CookieJar
from slipway.features.browser_errors import Gone, told
from slipway.features.browser_windows import Windows
from slipway.features.errors import Transient, Unsupported
from slipway.features.session import Session

T = TypeVar("T")
# Lines kept of each of the browser's logs.
_LOG = 20_000


class BrowserBase(Session):
    """Looks again while a page changes, so that no error of that moment reaches a step."""

    driver = "selenium"
    javascript = True

    def __init__(self, base_url: str, driver: WebDriver, *, patience: float = 5.0) -> None:
        """Take over a browser; `close` ends it.

        Args:
            base_url: What relative addresses count from.
            driver: The browser, such as `start_browser` returns.
            patience: Seconds to look again for what is not there (yet).
        """
        super().__init__(base_url, patience=patience)
        self.browser = driver
        self._looking = 0
        self._url = "about:blank"
        self._logs: dict[str, list[dict[str, Any]]] = {}
        self._windows = Windows(driver)
        self._cookies = CookieJar(driver, self.base_url)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return what a log of the browser got since the last reset; [] where it has none.

        Args:
            kind: "browser" (the console) or "performance" (the network).
        """
        kept = self._logs.setdefault(kind, [])
        try:
            kept += self.browser.execute("getLog", {"type": kind})["value"]
        except (WebDriverException, KeyError):
            return kept
        del kept[:-_LOG]
        return kept

    def let_go(self) -> None:
        """Let the page begin what a click or key asks of it, so that the next command waits for it.

        A form is sent in a task of its own. On a busy machine WebDriver may see nothing of it yet,
        and the next step's page would be opened in its place.
        """
        with contextlib.suppress(WebDriverException):
            self.browser.execute_script(scripts.NEXT_TASK)

    def settled(self, look: Callable[[], T], *, held: bool = False) -> T:
        """Do something once if someone above looks again, and else until the page rests.

        Args:
            look: What to do.
            held: It is about an element that a step holds, which will not come back.
        """

        def once() -> T:
            try:
                return look()
            except Gone as gone:
                if not held:
                    raise
                msg = f"{self._page()} has changed: {gone}; look for it again"
                raise Unsupported(msg) from None

        return look() if self._looking else self._until(once)

    def _read(self, look: Callable[[], T]) -> T:
        def once() -> T:
            with told(f"the page {self._url}"):
                return look()

        return self.settled(once)

    def _until(self, look: Callable[[], T], seconds: float | None = None) -> T:
        self._looking += 1
        try:
            return super()._until(self._recovering(look), seconds)
        finally:
            self._looking -= 1

    def _recovering(self, look: Callable[[], T]) -> Callable[[], T]:
        """Return a deed that goes on in the first window when the page has closed its own."""

        def once() -> T:
            try:
                return look()
            except Transient:
                self._windows.recover()
                raise

        return once

    @property
    def status(self) -> int:
        """Not to be had: WebDriver knows no HTTP."""
        raise Unsupported(self._no_http("status"))

    @property
    def headers(self) -> dict[str, str]:
        """Not to be had: WebDriver knows no HTTP."""
        raise Unsupported(self._no_http("headers"))

    def _no_http(self, what: str) -> str:
        return (
            f"{self._cannot(f'tell the HTTP {what}')}; look for a text of the page, "
            "or leave out @javascript"
        )
