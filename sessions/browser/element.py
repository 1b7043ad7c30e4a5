"""What a browser session finds: one element, or the way to whatever is there at each moment."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser.acting import ActingElement
from slipway.sessions.browser.errors import LEFT, Gone
from slipway.sessions.label_search import path_of
from slipway.sessions.locators import described, inside, named

if TYPE_CHECKING:
    from slipway.sessions.browser.session import BrowserSession


class BrowserElement(ActingElement):
    """An element that was found: it is good until the page changes."""

    held = True

    def __init__(self, session: BrowserSession, element: WebElement) -> None:
        """Keep what was found.

        Args:
            session: Whose page it is on.
            element: WebDriver's own.
        """
        super().__init__(session, [element])
        self.web_element = element

    def called(self) -> str:
        """Return what a sentence calls it, such as `element <button id="go">`."""
        with contextlib.suppress(WebDriverException):
            return f"element {self._session.deed('name', self._way)['value']}"
        return "element"

    def missing(self, step: int) -> Exception:  # noqa: ARG002  it is the only one
        """Return what to raise where it has left the page."""
        return Gone(LEFT)


class SoughtElement(ActingElement):
    """What a locator finds at each moment: a page may put another element in its place."""

    def __init__(self, session: BrowserSession, names: Sequence[tuple[str, str]]) -> None:
        """Keep what it is called.

        Args:
            session: Whose page it is on.
            names: Kinds and locators: those that it is within, and its own.
        """
        super().__init__(session, way_to(names))
        self._names = names

    def called(self) -> str:
        """Return what a sentence calls it, such as `button "Go"`."""
        return described(*self._names[-1])

    def missing(self, step: int) -> Exception:
        """Return what to raise where a step of its way finds nothing."""
        return self._session.missing(self._names, step)


def way_to(names: Sequence[tuple[str, str]]) -> list[list[object]]:
    """Return the way to a thing: at each step what is called exactly so before the rest.

    Args:
        names: Kinds and locators, each inside the one before.

    Raises:
        SessionError: A kind is unknown, or a locator empty or wrong.
    """
    way: list[list[object]] = []
    for kind, locator in names:
        paths = dict.fromkeys((named(kind, locator, exact=True), named(kind, locator)))
        way.append([path_of(inside(one) if way else one) for one in paths])
    return way
