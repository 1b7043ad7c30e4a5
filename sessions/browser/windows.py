"""The windows of a browser, and the alerts in them."""

from __future__ import annotations

import contextlib

from selenium.common.exceptions import (
    NoAlertPresentException,
    NoSuchWindowException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from selenium.webdriver.remote.webdriver import WebDriver

from slipway.sessions.errors import SessionError, Unsupported

# A page may open the next alert as soon as one is answered.
_ALERTS = 20


class Windows:
    """Knows the order in which windows were opened; WebDriver tells them in any order."""

    def __init__(self, browser: WebDriver) -> None:
        """Remember the size that every scenario starts with.

        Args:
            browser: The browser.
        """
        self._browser = browser
        self._order: list[str] = []
        self._size: dict[str, int] | None = None

    def handles(self) -> list[str]:
        """Return the open windows, the oldest first."""
        now = self._browser.window_handles
        self._order = [one for one in self._order if one in now]
        self._order += [one for one in now if one not in self._order]
        return list(self._order)

    def switch(self, handle: str) -> None:
        """Go on in another window.

        Raises:
            SessionError: There is none of that handle.
        """
        known = self.handles()
        if handle not in known:
            msg = f'there is no window "{handle}"; open are {", ".join(known)}'
            raise SessionError(msg)
        self._browser.switch_to.window(handle)

    def close(self) -> None:
        """Close the window and go on in the first one.

        Raises:
            Unsupported: It is the only one, and the browser would end with it.
        """
        if len(self.handles()) == 1:
            msg = "the only window cannot be closed; visit another page instead"
            raise Unsupported(msg)
        self._browser.close()
        self._browser.switch_to.window(self.handles()[0])

    def recover(self) -> None:
        """Go on in the first window if the page has closed the one we were in."""
        with contextlib.suppress(WebDriverException):
            try:
                _ = self._browser.current_window_handle
            except NoSuchWindowException:
                handles = self.handles()
                if handles:
                    self._browser.switch_to.window(handles[0])

    def _dismiss_alerts(self) -> None:
        for _ in range(_ALERTS):
            try:
                self._browser.switch_to.alert.dismiss()
            except (NoAlertPresentException, NoSuchWindowException):
                return

    def leave_one(self) -> None:
        """Close all windows but the first, and dismiss what alerts are open."""
        first, *others = self.handles()
        # The windows of a site share a process: an alert in one stops the scripts of all, and to
        # ask one of the others whether it has an alert takes for ever. Closing them does not.
        for handle in reversed(others):
            with contextlib.suppress(NoSuchWindowException):
                self._browser.switch_to.window(handle)
                try:
                    self._browser.close()
                except UnexpectedAlertPresentException:
                    self._dismiss_alerts()
                    self._browser.close()
        self._browser.switch_to.window(first)
        self._dismiss_alerts()
        self._order = [first]

    def resize(self, width: int, height: int) -> None:
        """Give the window a size in pixels."""
        if self._size is None:
            self._size = dict(self._browser.get_window_size())
        self._browser.set_window_size(width, height)

    def restore_size(self) -> None:
        """Give the window the size it began with."""
        if self._size is not None:
            self._browser.set_window_size(self._size["width"], self._size["height"])
            self._size = None
