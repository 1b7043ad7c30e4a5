"""Base of a browser session: retries while a page changes, and the browser's logs."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser import scripts
from slipway.sessions.browser.cookies import CookieJar
from slipway.sessions.browser.errors import LeftPage, Slow, Stalled, translated_errors
from slipway.sessions.browser.limits import stuck
from slipway.sessions.browser.windows import Windows
from slipway.sessions.element import Element
from slipway.sessions.errors import SessionError, Transient, Unsupported
from slipway.sessions.session import Session

__all__ = ["BrowserBase"]

T = TypeVar("T")
# Maximum lines kept of each of the browser's logs.
_LOG = 20_000


class BrowserBase(Session):
    """Retry queries while a page changes, so that transient errors do not reach a step."""

    driver = "selenium"
    javascript = True

    def __init__(self, base_url: str, driver: WebDriver, *, patience: float = 5.0) -> None:
        """Take over a browser; `close` ends it.

        Args:
            base_url: The base of relative addresses.
            driver: The browser, for example from `start_browser`.
            patience: Seconds for retrying the search of missing elements.
        """
        super().__init__(base_url, patience=patience)
        self.browser = driver
        self._queries = 0
        self._url = "about:blank"
        self._logs: dict[str, list[dict[str, Any]]] = {}
        self._windows = Windows(driver)
        self._cookies = CookieJar(driver, self.base_url)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of a browser log since the last reset; [] if there is no such log.

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

    def run_script(self, name: str, *arguments: object) -> dict[str, Any]:
        """Run one of the page scripts.

        Args:
            name: A function of page/operations.js.
            arguments: The function's arguments.
        """
        return dict(self.browser.execute_script(scripts.PAGE_SCRIPT, name, *arguments) or {})

    def shown(self) -> str:
        """Return the page's description for messages."""
        return self._page()

    @abstractmethod
    def found(self, answer: dict[str, Any]) -> Sequence[Element]:
        """Return the elements in a page script's answer."""

    def send_files(self, field: WebElement, files: Sequence[Path]) -> None:
        """Attach files of this machine to a file field."""
        field.send_keys("\n".join(map(str, files)))

    def run_next_task(self) -> None:
        """Run a task in the page after a click or key, so that the next command sees the effects.

        A form is submitted in a separate task. On a busy machine WebDriver may not see it yet, and
        the next step's page would be opened in its place.
        """
        with contextlib.suppress(WebDriverException):
            self.browser.execute_script(scripts.NEXT_TASK)

    def when_stable(self, query: Callable[[], T], *, held: bool = False) -> T:
        """Run a query once if a caller retries it; otherwise retry until the page is stable.

        Args:
            query: The query.
            held: True if it queries an element that a step holds and that cannot be found again.
        """

        def once() -> T:
            try:
                return query()
            except LeftPage as left:
                if not held:
                    raise
                msg = f"{self._page()} has changed: {left}; look for it again"
                raise Unsupported(msg) from None

        return query() if self._queries else self._until(once)

    @contextlib.contextmanager
    def querying(self, doing: str) -> Iterator[None]:
        """Translate the browser's errors in a query, which may be retried.

        Raises:
            Stalled: The page did not answer in time.
            Transient: The page is changing.
            SessionError: The browser refuses the command.
            SessionLost: The browser or its driver is gone.
        """
        try:
            with translated_errors(doing):
                yield
        except Slow as slow:
            raise Stalled(str(slow)) from None

    def _query(self, query: Callable[[], T]) -> T:
        def once() -> T:
            with self.querying(f"the page {self._url}"):
                return query()

        return self.when_stable(once)

    def _read(self, query: Callable[[], T]) -> T:
        def once() -> T:
            with translated_errors(f"the page {self._url}"):
                return query()

        return self.when_stable(once)

    def _until(self, query: Callable[[], T], seconds: float | None = None) -> T:
        self._queries += 1
        recovering = self._recovering(query)
        try:
            return super()._until(recovering, seconds)
        except Stalled as stalled:
            if stuck(self.browser):
                raise Slow(str(stalled)) from None
            return self._retry_once(recovering, seconds, stalled)
        finally:
            self._queries -= 1

    def _retry_once(self, query: Callable[[], T], seconds: float | None, stalled: Stalled) -> T:
        """Retry once after a stalled page answers again; the stall does not count as patience."""
        try:
            return super()._until(query, seconds)
        except Stalled as again:
            raise Slow(str(again)) from None
        except SessionError as error:
            msg = f"{error}; before, {stalled}"
            raise type(error)(msg) from None

    def _recovering(self, query: Callable[[], T]) -> Callable[[], T]:
        """Return a query that switches to the first window if the page has closed its own."""

        def once() -> T:
            try:
                return query()
            except Transient:
                self._windows.recover()
                raise

        return once

    @property
    def status(self) -> int:
        """Raise Unsupported: WebDriver gives no access to HTTP."""
        raise Unsupported(self._no_http("status"))

    @property
    def headers(self) -> dict[str, str]:
        """Raise Unsupported: WebDriver gives no access to HTTP."""
        raise Unsupported(self._no_http("headers"))

    def _no_http(self, what: str) -> str:
        return (
            f"{self._cannot(f'tell the HTTP {what}')}; look for a text of the page, "
            "or leave out @javascript"
        )
