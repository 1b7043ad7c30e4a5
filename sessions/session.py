"""The interface of a session: an application as steps see it, with any driver.

Steps name elements as people do (the label of a field, the text of a button). With a driver whose
pages change on their own, every search is retried until the patience ends.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from slipway.sessions.capabilities import Capabilities
from slipway.sessions.element import Element
from slipway.sessions.errors import NotThere, SessionError, Transient, Unsupported
from slipway.sessions.locators import described, fold, inside, named

__all__ = ["Evidence", "NotYet", "Session"]

T = TypeVar("T")
_PAUSE = 0.05
_WHOLE = re.compile(r"[a-z][a-z0-9+.-]*://|(about|data|javascript|mailto):", re.IGNORECASE)


class NotYet(Exception):
    """A condition does not hold (yet); the message is built lazily, as it queries the page."""

    def __init__(self, kind: type[SessionError], describe: Callable[[], str]) -> None:
        """Initialize.

        Args:
            kind: The class of the error that is raised once patience has ended.
            describe: Builds the error's sentence.
        """
        self.kind = kind
        self.sentence = describe


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence about a page on which a step failed."""

    name: str
    """For example "page.html"."""
    media_type: str
    data: bytes
    title: str = ""
    """The heading for people; empty: the name."""


class Session(Capabilities, ABC):
    """A visitor of an application."""

    javascript: bool = False
    """True if scripts of pages run."""

    def __init__(self, base_url: str, *, patience: float = 0.0) -> None:
        """Initialize; nothing is opened yet.

        Args:
            base_url: The base of relative addresses.
            patience: Seconds for retrying the search of missing elements.
        """
        self.base_url = base_url.rstrip("/") + "/"
        self.patience = patience
        self._inside: list[tuple[str, str]] = []

    def absolute(self, address: str) -> str:
        """Return the absolute URL of a path: `/login` is relative to the base URL, like `login`."""
        if _WHOLE.match(address):
            return address
        return self.base_url + address.lstrip("/")

    # ---- implemented by drivers

    @abstractmethod
    def visit(self, address: str) -> None:
        """Open a page by a path or a whole URL."""

    @abstractmethod
    def back(self) -> None:
        """Go back one page."""

    @abstractmethod
    def forward(self) -> None:
        """Go forward one page."""

    @abstractmethod
    def reload(self) -> None:
        """Reload the page."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address of the page."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The title of the page."""

    @property
    @abstractmethod
    def html(self) -> str:
        """The page's present HTML."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The page's visible text, white space folded."""

    @abstractmethod
    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return all elements that an XPath finds on the page, without retries.

        Raises:
            Transient: The page is changing.
        """

    @abstractmethod
    def reset(self) -> None:
        """Reset the visitor: cookies, storage, windows; the next scenario starts fresh."""

    @abstractmethod
    def close(self) -> None:
        """End the session and everything it started. Idempotent."""

    @abstractmethod
    def evidence(self) -> list[Evidence]:
        """Return the evidence of the page; never raises."""

    def frame(self, title: str) -> Evidence | None:  # noqa: ARG002  drivers of browsers use it
        """Return a small picture of the page for a film; None if it is not available. Never raises.

        Args:
            title: The last event, for the caption.
        """
        return None

    # ---- used by steps

    def find(self, kind: str, locator: str) -> Element:
        """Return the first element of a kind by its label, id, name, title or text.

        Visible elements have precedence over hidden ones, and exact matches over partial ones.

        Raises:
            NotThere: There is none when the patience has ended.
        """
        return self._until(lambda: self._first(kind, locator))

    def all(self, kind: str, locator: str) -> Sequence[Element]:
        """Return all present elements of a kind, including hidden ones; may be empty.

        Raises:
            NotThere: The element of `within` is missing when the patience has ended.
        """
        return self._until(lambda: self._all(kind, locator))

    def click(self, locator: str) -> None:
        """Click a link or button."""
        self._act("link_or_button", locator, lambda found: found.click())

    def follow(self, locator: str) -> None:
        """Follow a link."""
        self._act("link", locator, lambda found: found.click())

    def press(self, locator: str) -> None:
        """Press a button."""
        self._act("button", locator, lambda found: found.click())

    def fill(self, locator: str, text: str) -> None:
        """Fill in a text field."""
        self._act("fillable_field", locator, lambda found: found.fill(text))

    def choose(self, option: str, locator: str, *, add: bool = False) -> None:
        """Choose an option from a list; with `add` the others of a multiple list stay chosen."""
        self._act("select", locator, lambda found: found.choose(option, add=add))

    def choose_radio(self, locator: str) -> None:
        """Choose a radio button."""
        self._act("radio", locator, lambda found: found.set_checked(checked=True))

    def check(self, locator: str) -> None:
        """Check a checkbox."""
        self._act("checkbox", locator, lambda found: found.set_checked(checked=True))

    def uncheck(self, locator: str) -> None:
        """Uncheck a checkbox."""
        self._act("checkbox", locator, lambda found: found.set_checked(checked=False))

    def attach(self, locator: str, *files: Path) -> None:
        """Attach files to a file field."""
        for file in files:
            if not file.is_file():
                msg = f"{file} is no file to attach"
                raise SessionError(msg)
        self._act("file_field", locator, lambda found: found.attach(files))

    def value(self, locator: str) -> str:
        """Return the value of a field."""
        return self._until(lambda: self._sought("field", locator).value)

    def checked(self, locator: str) -> bool:
        """Return True if a checkbox is checked."""
        return self._until(lambda: self._sought("checkbox", locator).checked)

    def see(self, text: str) -> None:
        """Check that a text is on the page (or inside `within`)."""
        folded = fold(text)
        self.wait(
            lambda: folded in self._shown_text(), lambda: f'"{folded}" is not {self._where()}'
        )

    def see_not(self, text: str) -> None:
        """Check that a text is not on the page (or inside `within`)."""
        folded = fold(text)
        self.wait(
            lambda: folded not in self._shown_text(), lambda: f'"{folded}" is {self._where()}'
        )

    def see_element(self, kind: str, locator: str) -> None:
        """Check that there is an element of a kind."""
        self.find(kind, locator)

    def see_no_element(self, kind: str, locator: str) -> None:
        """Check that there is no element of a kind."""
        self.wait(
            lambda: not self._all(kind, locator),
            lambda: f"there is {described(kind, locator)} {self._where()}",
        )

    @contextmanager
    def within(self, kind: str, locator: str) -> Iterator[Element]:
        """Restrict the following steps to one element, such as a fieldset or a table row."""
        found = self.find(kind, locator)
        outside = self._inside
        self._inside = [*outside, (kind, locator)]
        try:
            yield found
        finally:
            self._inside = outside

    def wait(
        self, look: Callable[[], object], sentence: Callable[[], str], seconds: float | None = None
    ) -> None:
        """Retry a query until it returns something true.

        Args:
            look: The query; may raise transient errors of the page.
            sentence: Returns the error sentence once patience has ended.
            seconds: Overrides the session's patience.

        Raises:
            SessionError: The query returned nothing true in time.
        """

        def once() -> bool:
            if not look():
                raise NotYet(SessionError, sentence)
            return True

        self._until(once, seconds)

    # ---- helpers

    def _act(self, kind: str, locator: str, action: Callable[[Element], None]) -> None:
        self._until(lambda: action(self._sought(kind, locator)))

    def _sought(self, kind: str, locator: str) -> Element:
        """Return an element for immediate use; a driver may search it only at its use."""
        return self._first(kind, locator)

    def _until(self, query: Callable[[], T], seconds: float | None = None) -> T:
        """Retry a query while the page changes, until it succeeds or the patience ends."""
        deadline = time.monotonic() + (self.patience if seconds is None else seconds)
        while True:
            try:
                return query()
            except Transient as changing:
                if time.monotonic() >= deadline:
                    msg = f"{self._page()} does not come to rest: {changing}"
                    raise SessionError(msg) from None
            except NotYet as missing:
                if time.monotonic() >= deadline:
                    raise missing.kind(missing.sentence()) from None
            except Unsupported:
                raise
            except SessionError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_PAUSE)

    def _first(self, kind: str, locator: str) -> Element:
        return self._first_in(self._context(), [*self._inside, (kind, locator)])

    def _first_in(self, context: Element | None, names: Sequence[tuple[str, str]]) -> Element:
        """Return the last of nested elements, each inside the one before.

        Raises:
            NotYet: One of them is missing.
        """
        hidden: list[Element] = []
        kind, locator = names[-1]
        for xpath in dict.fromkeys((named(kind, locator, exact=True), named(kind, locator))):
            found = self._find_in(context, xpath)
            seen = next((one for one in found if one.visible), None)
            if seen is not None:
                return seen
            hidden += found[:1]
        if not hidden:
            raise self.missing(names)
        return hidden[0]

    def missing(self, names: Sequence[tuple[str, str]], step: int = -1) -> NotYet:
        """Return the error for an element that was not found.

        Args:
            names: Kinds and locators, each inside the one before.
            step: Index of the missing one.
        """
        inside, name = list(names[:step]), names[step]
        return NotYet(NotThere, lambda: f"no {described(*name)} {self._where(inside)}")

    def _all(self, kind: str, locator: str) -> Sequence[Element]:
        return self._find_in(self._context(), named(kind, locator))

    def _find_in(self, context: Element | None, xpath: str) -> Sequence[Element]:
        return self.find_all(xpath) if context is None else context.find_all(inside(xpath))

    def _context(self) -> Element | None:
        """Return the element of `within`, as it is on the page now."""
        context = None
        for count in range(len(self._inside)):
            context = self._first_in(context, self._inside[: count + 1])
        return context

    def _shown_text(self) -> str:
        context = self._context()
        return self.text if context is None else context.text

    def _where(self, inside: Sequence[tuple[str, str]] | None = None) -> str:
        outer = self._inside if inside is None else inside
        if not outer:
            return f"on {self._page()}"
        return f"in the {described(*outer[-1])} on {self._page()}"

    def _page(self) -> str:
        try:
            return f"the page {self.url}"
        except Transient:
            return "the page"
