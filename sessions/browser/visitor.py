"""Actions of a visitor outside of the page: alerts, windows, keys, cookies."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from selenium.common.exceptions import ElementNotInteractableException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from slipway.sessions.browser.base import BrowserBase
from slipway.sessions.browser.errors import translated_errors
from slipway.sessions.errors import Unsupported

__all__ = ["BrowserVisitor"]

_KEYS = {name: code for name, code in vars(Keys).items() if name.isupper()}


class BrowserVisitor(BrowserBase):
    """Alerts, windows, keys and cookies of a browser session."""

    # ---- cookies

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value; None if there is none."""
        return self._query(lambda: self._cookies.value(name))

    def set_cookie(self, name: str, value: str) -> None:
        """Set a cookie for the application, even before its first page."""
        self._read(lambda: self._cookies.set(name, value))

    def clear_cookies(self) -> None:
        """Remove all cookies."""
        self._read(self._cookies.clear)

    # ---- alerts

    @property
    def alert(self) -> str:
        """The text of the open alert; waits for one."""
        return self.when_stable(self.alert_now)

    def alert_now(self) -> str:
        """Return the text of the open alert, without waiting.

        Raises:
            NotThere: No alert is open.
        """
        with translated_errors("the alert"):
            return str(self.browser.switch_to.alert.text)

    def answer_alert(self, *, accept: bool = True, text: str | None = None) -> None:
        """Accept or dismiss the open alert, after typing a text into a prompt."""

        def once() -> None:
            with translated_errors("the alert"):
                alert = self.browser.switch_to.alert
                try:
                    if text is not None:
                        alert.send_keys(text)
                except ElementNotInteractableException:
                    msg = f'the alert "{alert.text}" takes no text; answer it without one'
                    raise Unsupported(msg) from None
                action = alert.accept if accept else alert.dismiss
                action()

        self.when_stable(once)

    # ---- windows

    @property
    def windows(self) -> Sequence[str]:
        """The handles of the open windows, in the order of opening."""
        return self._query(self._windows.handles)

    def switch_window(self, handle: str) -> None:
        """Switch to another window.

        Raises:
            SessionError: There is no such window.
        """
        self._read(lambda: self._windows.switch(handle))

    def close_window(self) -> None:
        """Close the window and switch to the first one.

        Raises:
            SessionError: It is the only window.
        """
        self._read(self._windows.close)

    def resize(self, width: int, height: int) -> None:
        """Resize the window, in pixels."""
        self._read(lambda: self._windows.resize(width, height))

    def press_key(self, key: str) -> None:
        """Press a key in the focused element: one character, a name such as ENTER, or CONTROL+A."""
        codes = [_key(part) for part in (key.split("+") if len(key) > 1 else [key])]

        def once() -> None:
            keys = ActionChains(self.browser, duration=0)
            for held in codes[:-1]:
                keys.key_down(held)
            keys.send_keys(codes[-1])
            for held in reversed(codes[:-1]):
                keys.key_up(held)
            keys.perform()
            self.run_next_task()

        self._read(once)

    def screenshot(self) -> bytes:
        """Return a picture of the page as PNG."""
        return self._query(self.browser.get_screenshot_as_png)


def _key(name: str) -> str:
    """Return a key's code; a single character is its own code."""
    if len(name) == 1:
        return name
    code = _KEYS.get(name.upper().replace(" ", "_"))
    if code is None:
        close = difflib.get_close_matches(name.upper(), _KEYS, n=1)
        hint = f"did you mean {close[0]}?" if close else "known are ENTER, TAB, ESCAPE, ..."
        msg = f'there is no key "{name}"; {hint} Other keys are one character'
        raise Unsupported(msg)
    return str(code)
