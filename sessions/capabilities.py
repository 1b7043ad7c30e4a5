"""Optional features of drivers; by default unsupported."""

# ruff: noqa: ARG002  the drivers that can need the arguments

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slipway.sessions.errors import Unsupported

__all__ = ["Capabilities"]


class Capabilities:
    """The part of a session that differs between drivers."""

    driver: str
    """Its name in tags: http, selenium, grid, desktop."""

    @property
    def status(self) -> int:
        """The HTTP status of the page."""
        raise Unsupported(self._cannot("tell the HTTP status"))

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers of the page."""
        raise Unsupported(self._cannot("tell HTTP headers"))

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value; None if there is none."""
        raise Unsupported(self._cannot("read cookies"))

    def set_cookie(self, name: str, value: str) -> None:
        """Set a cookie for the application."""
        raise Unsupported(self._cannot("set cookies"))

    def clear_cookies(self) -> None:
        """Remove all cookies."""
        raise Unsupported(self._cannot("remove cookies"))

    def execute(self, script: str, *arguments: object) -> object:
        """Run JavaScript in the page and return what it returns."""
        raise Unsupported(self._cannot("run JavaScript; tag the scenario @javascript"))

    @property
    def alert(self) -> str:
        """The text of the open alert."""
        raise Unsupported(self._cannot("see alerts; tag the scenario @javascript"))

    def answer_alert(self, *, accept: bool = True, text: str | None = None) -> None:
        """Accept or dismiss the open alert, after typing a text into a prompt."""
        raise Unsupported(self._cannot("answer alerts; tag the scenario @javascript"))

    @property
    def windows(self) -> Sequence[str]:
        """The handles of the open windows, in the order of opening."""
        raise Unsupported(self._cannot("open windows; tag the scenario @javascript"))

    def switch_window(self, handle: str) -> None:
        """Switch to another window."""
        raise Unsupported(self._cannot("switch windows; tag the scenario @javascript"))

    def close_window(self) -> None:
        """Close the window and switch to the first one."""
        raise Unsupported(self._cannot("close windows; tag the scenario @javascript"))

    def resize(self, width: int, height: int) -> None:
        """Resize the window, in pixels."""
        raise Unsupported(self._cannot("resize windows; tag the scenario @javascript"))

    def press_key(self, key: str) -> None:
        """Press a key in the focused element: one character, or a name such as ENTER or TAB."""
        raise Unsupported(self._cannot("press keys; tag the scenario @javascript"))

    def screenshot(self) -> bytes:
        """Return a picture of the page as PNG."""
        raise Unsupported(self._cannot("take pictures; tag the scenario @javascript"))

    def _cannot(self, action: str) -> str:
        return f'the driver "{self.driver}" cannot {action}'
