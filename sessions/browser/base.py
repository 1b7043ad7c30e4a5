"""What a browser session stands on: looking again while a page changes, and the browser's logs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from slipway.sessions.browser import scripts
from slipway.sessions.browser.cookies import CookieJar
from slipway.sessions.browser.errors import Gone, Slow, Stalled, told
from slipway.sessions.browser.limits import stuck
from slipway.sessions.browser.windows import Windows
from slipway.sessions.errors import SessionError, Transient, Unsupported
from slipway.sessions.session import Session

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

    def deed(self, name: str, *arguments: object) -> dict[str, Any]:
        """Have the page do something, by one script.

        Args:
            name: One of the deeds in page/deeds.js.
            arguments: What it takes.
        """
        return dict(self.browser.execute_script(scripts.DEED, name, *arguments) or {})

    def shown(self) -> str:
        """Return what a sentence calls the page."""
        return self._page()

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

    @contextlib.contextmanager
    def looking(self, doing: str) -> Iterator[None]:
        """Raise what a step understands where a look fails, which may be done again.

        Raises:
            Stalled: The page did not answer in time.
            Transient: The page is just changing.
            SessionError: The browser refuses.
            SessionLost: The browser or its driver is gone.
        """
        try:
            with told(doing):
                yield
        except Slow as slow:
            raise Stalled(str(slow)) from None

    def _look(self, look: Callable[[], T]) -> T:
        def once() -> T:
            with self.looking(f"the page {self._url}"):
                return look()

        return self.settled(once)

    def _read(self, look: Callable[[], T]) -> T:
        def once() -> T:
            with told(f"the page {self._url}"):
                return look()

        return self.settled(once)

    def _until(self, look: Callable[[], T], seconds: float | None = None) -> T:
        self._looking += 1
        recovering = self._recovering(look)
        try:
            return super()._until(recovering, seconds)
        except Stalled as stalled:
            if stuck(self.browser):
                raise Slow(str(stalled)) from None
            return self._once_more(recovering, seconds, stalled)
        finally:
            self._looking -= 1

    def _once_more(self, look: Callable[[], T], seconds: float | None, stalled: Stalled) -> T:
        """Look anew on a page that answers again: what it stood still for is not its patience."""
        try:
            return super()._until(look, seconds)
        except Stalled as again:
            raise Slow(str(again)) from None
        except SessionError as error:
            msg = f"{error}; before, {stalled}"
            raise type(error)(msg) from None

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
