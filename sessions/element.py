"""One thing on a page, whatever shows the page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path


class Element(ABC):
    """What a session finds. It is good until the page changes."""

    @property
    @abstractmethod
    def tag(self) -> str:
        """The element's name in lower case, such as "input"."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The text a person sees in it, white space folded."""

    @property
    @abstractmethod
    def value(self) -> str:
        """What a field holds; of a list the chosen option's value."""

    @property
    @abstractmethod
    def checked(self) -> bool:
        """Whether a checkbox, radio button or option is chosen."""

    @property
    @abstractmethod
    def visible(self) -> bool:
        """Whether a person can see it."""

    @abstractmethod
    def attribute(self, name: str) -> str | None:
        """Return an attribute as the page says it; None where it has none."""

    @abstractmethod
    def click(self) -> None:
        """Click it: follow a link, press a button, toggle a box."""

    @abstractmethod
    def fill(self, text: str) -> None:
        """Replace what a text field holds."""

    @abstractmethod
    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an option of a list by its text or value; `add` keeps the others."""

    @abstractmethod
    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button."""

    @abstractmethod
    def attach(self, files: Sequence[Path]) -> None:
        """Give files to a file field."""

    @abstractmethod
    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return what an XPath finds inside it (written from the element: `.//a`)."""
