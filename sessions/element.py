"""The interface of an element on a page, for all drivers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Element"]


class Element(ABC):
    """An element found by a session. It is valid until the page changes."""

    @property
    @abstractmethod
    def tag(self) -> str:
        """The element's name in lower case, such as "input"."""

    @property
    @abstractmethod
    def text(self) -> str:
        """Its visible text, white space folded."""

    @property
    @abstractmethod
    def value(self) -> str:
        """The value of a field; for a list the chosen option's value."""

    @property
    @abstractmethod
    def checked(self) -> bool:
        """True if a checkbox, radio button or option is chosen."""

    @property
    @abstractmethod
    def visible(self) -> bool:
        """True if a person can see it."""

    @abstractmethod
    def attribute(self, name: str) -> str | None:
        """Return an attribute as written in the page; None if it is missing."""

    @abstractmethod
    def click(self) -> None:
        """Click it: follow a link, press a button, toggle a checkbox."""

    @abstractmethod
    def fill(self, text: str) -> None:
        """Replace the content of a text field."""

    @abstractmethod
    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an option of a list by its text or value; with `add` the others stay chosen."""

    @abstractmethod
    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button."""

    @abstractmethod
    def attach(self, files: Sequence[Path]) -> None:
        """Attach files to a file field."""

    @abstractmethod
    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return the elements that an XPath finds inside it (relative to the element: `.//a`)."""
