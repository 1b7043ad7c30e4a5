"""Elements of a browser session: a found one, or a locator that is evaluated at each use."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser.acting import ActingElement
from slipway.sessions.browser.base import BrowserBase
from slipway.sessions.browser.errors import LEFT_SENTENCE, LeftPage
from slipway.sessions.label_search import path_of
from slipway.sessions.locators import described, inside, named

__all__ = ["BrowserElement", "SoughtElement", "way_to"]


class BrowserElement(ActingElement):
    """A found element: it is valid until the page changes."""

    held = True

    def __init__(self, session: BrowserBase, element: WebElement) -> None:
        """Keep the element.

        Args:
            session: The session with its page.
            element: WebDriver's element.
        """
        super().__init__(session, [element])
        self.web_element = element

    def called(self) -> str:
        """Return its description for messages, such as `element <button id="go">`."""
        with contextlib.suppress(WebDriverException):
            return f"element {self._session.run_script('name', self._way)['value']}"
        return "element"

    def missing(self, step: int) -> Exception:  # noqa: ARG002  it is the only one
        """Return the error for an element that has left the page."""
        return LeftPage(LEFT_SENTENCE)


class SoughtElement(ActingElement):
    """An element that is searched at each use: a page may replace it by another one."""

    def __init__(self, session: BrowserBase, names: Sequence[tuple[str, str]]) -> None:
        """Keep the names.

        Args:
            session: The session with its page.
            names: Kinds and locators: those of the elements around it, and its own.
        """
        super().__init__(session, way_to(names))
        self._names = names

    def called(self) -> str:
        """Return its description for messages, such as `button "Go"`."""
        return described(*self._names[-1])

    def missing(self, step: int) -> Exception:
        """Return the error if a step of its search path finds nothing."""
        return self._session.missing(self._names, step)


def way_to(names: Sequence[tuple[str, str]]) -> list[list[object]]:
    """Return the search path of an element: at each step exact matches before partial ones.

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
