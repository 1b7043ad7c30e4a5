"""Read and clear cookies and storage of a browser."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from slipway.sessions.browser.scripts import CLEAR_STORAGE

__all__ = ["CookieJar"]

# Chromium's storage types of a site; its HTTP cache is cleared, too.
_ALL = {"origin": "*", "storageTypes": "all"}


class CookieJar:
    """Cookies and storage: in Chromium through DevTools, in other browsers page by page."""

    def __init__(self, browser: WebDriver, base_url: str) -> None:
        """Initialize.

        Args:
            browser: The browser.
            base_url: The application that cookies are set for.
        """
        self._browser = browser
        self._base = base_url
        self._origins: set[str] = set()
        name = str(browser.capabilities.get("browserName", ""))
        self._devtools = "chrom" in name.lower() or "edge" in name.lower()

    def visited(self, url: str) -> None:
        """Record a page's origin for `clear_storage`."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            self._origins.add(f"{parts.scheme}://{parts.netloc}/")

    def value(self, name: str) -> str | None:
        """Return a cookie's value for the page, or before the first page for the application."""
        if self._on_page():
            found = self._browser.get_cookie(name)
            return None if found is None else str(found["value"])
        if not self._devtools:
            return None
        kept = self._ask("Network.getCookies", urls=[self._base])["cookies"]
        return next((str(one["value"]) for one in kept if one["name"] == name), None)

    def set(self, name: str, value: str) -> None:
        """Set a cookie for the application."""
        if self._devtools:
            self._ask("Network.setCookie", url=self._base, name=name, value=value)
            return
        if not self._on_page():
            self._browser.get(self._base)
        self._browser.add_cookie({"name": name, "value": value})

    def clear(self) -> None:
        """Remove all cookies."""
        if self._devtools:
            self._ask("Network.clearBrowserCookies")
        else:
            self._browser.delete_all_cookies()

    def clear_storage(self) -> None:
        """Remove cookies, storage and caches of all origins."""
        if self._devtools:
            # Leave the page first: it could write to its storage while it is unloaded.
            self._browser.get("about:blank")
            self._ask("Storage.clearDataForOrigin", **_ALL)
            self._ask("Network.clearBrowserCookies")
            self._ask("Network.clearBrowserCache")
        else:
            for origin in sorted(self._origins):
                with contextlib.suppress(WebDriverException):
                    self._browser.get(origin)
                    self._browser.delete_all_cookies()
                    self._browser.execute_script(CLEAR_STORAGE)
        self._origins.clear()

    def _on_page(self) -> bool:
        return urlsplit(self._browser.current_url).scheme in ("http", "https")

    def _ask(self, command: str, **parameters: object) -> dict[str, Any]:
        asked = {"cmd": command, "params": parameters}
        answer: dict[str, Any] = self._browser.execute("executeCdpCommand", asked)["value"]
        return answer
