"""Windows of a browser, and their alerts."""

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

__all__ = ["Windows"]

# Limit: a page may open the next alert as soon as one is answered.
_ALERTS = 20


class Windows:
    """Track the order in which windows were opened; WebDriver returns them in any order."""

    def __init__(self, browser: WebDriver) -> None:
        """Record the window's size at the start of every scenario.

        Args:
            browser: The browser.
        """
        self._browser = browser
        self._order: list[str] = []
        self._size: dict[str, int] | None = None

    def handles(self) -> list[str]:
        """Return the open windows, oldest first."""
        now = self._browser.window_handles
        self._order = [one for one in self._order if one in now]
        self._order += [one for one in now if one not in self._order]
        return list(self._order)

    def switch(self, handle: str) -> None:
        """Switch to another window.

        Raises:
            SessionError: No window has this handle.
        """
        known = self.handles()
        if handle not in known:
            msg = f'there is no window "{handle}"; open are {", ".join(known)}'
            raise SessionError(msg)
        self._browser.switch_to.window(handle)

    def close(self) -> None:
        """Close the window and switch to the first one.

        Raises:
            Unsupported: It is the only window; closing it would end the browser.
        """
        if len(self.handles()) == 1:
            msg = "the only window cannot be closed; visit another page instead"
            raise Unsupported(msg)
        self._browser.close()
        self._browser.switch_to.window(self.handles()[0])

    def recover(self) -> None:
        """Switch to the first window if the page has closed the current one."""
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
        """Close all windows but the first, and dismiss open alerts."""
        first, *others = self.handles()
        # The windows of a site share a process: an alert in one blocks the scripts of all, and
        # querying another one for alerts hangs. Closing it does not.
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
        """Resize the window, in pixels."""
        if self._size is None:
            self._size = dict(self._browser.get_window_size())
        self._browser.set_window_size(width, height)

    def restore_size(self) -> None:
        """Restore the window's original size."""
        if self._size is not None:
            self._browser.set_window_size(self._size["width"], self._size["height"])
            self._size = None
