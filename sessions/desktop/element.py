"""An element in a window of a desktop program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from slipway.sessions.element import Element
from slipway.sessions.errors import SessionError, Unsupported
from slipway.sessions.http.text import is_visible, visible_text
from slipway.sessions.http.xpath import elements
from slipway.sessions.locators import fold

__all__ = ["DesktopElement", "Performer"]

_FIELDS = {"input", "textarea", "select"}


class Performer(Protocol):
    """What an element needs of its session."""

    def perform(self, do: str, on: str, title: str, **about: Any) -> None:
        """Have the agent perform an action on a widget."""


class DesktopElement(Element):
    """A widget or a part of one, as found by a desktop session at one moment."""

    def __init__(self, session: Performer, node: Any) -> None:
        """Keep the element and its session."""
        self._session = session
        self._node = node

    @property
    def tag(self) -> str:
        """Its HTML tag, such as "input"."""
        return str(self._node.tag)

    @property
    def text(self) -> str:
        """Its visible text, white space folded."""
        return visible_text(self._node)

    @property
    def value(self) -> str:
        """The value of a field; for a list the chosen entry."""
        if self.tag == "select":
            chosen = [one for one in self._options() if one.get("selected") is not None]
            return fold(chosen[0].text_content()) if chosen else ""
        if self.tag == "textarea":
            return str(self._node.text or "")
        if self.tag == "input" and self._kind() in {"checkbox", "radio"}:
            return "on"
        if self.tag == "option":
            return fold(self._node.text_content())
        return str(self._node.get("value") or "")

    @property
    def checked(self) -> bool:
        """True if a checkbox, radio button or entry is chosen."""
        return any(self._node.get(one) is not None for one in ("checked", "selected"))

    @property
    def visible(self) -> bool:
        """True: the agent reports only what is visible."""
        return is_visible(self._node)

    def attribute(self, name: str) -> str | None:
        """Return an attribute, such as class (the names of the widget's classes) or disabled."""
        value = self._node.get(name.lower())
        return None if value is None else str(value)

    def click(self) -> None:
        """Click it with the mouse.

        Raises:
            SessionError: The element is disabled, or a dialog is open over it.
        """
        select = next(self._node.iterancestors("select"), None)
        if self.tag == "option" and select is not None and select.get("data-list") is None:
            self._choose_row(select, self._node)
        else:
            self._session.perform("click", self._key(), self._described())

    def fill(self, text: str) -> None:
        """Replace what a field holds; dates are written as in HTML: 2026-11-21."""
        if self.tag not in {"input", "textarea"} or self._kind() in {"checkbox", "radio"}:
            raise SessionError(f"{self._described()} is no text field: nobody can type into it")
        if self._node.get("readonly") is not None:
            raise SessionError(f"{self._described()} is read-only")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if self.tag == "input":
            text = text.replace("\n", "")
        self._session.perform("fill", self._key(), self._described(), text=text)

    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an entry of a list by its text.

        With `add` the other chosen entries stay chosen.
        """
        if self.tag != "select":
            raise SessionError(f"{self._described()} is no list: there is nothing to choose from")
        folded = fold(option)
        options = self._options()
        found = next((one for one in options if fold(one.text_content()) == folded), None)
        if found is None:
            offered = ", ".join(f'"{fold(one.text_content())}"' for one in options[:20])
            sentence = (
                f'{self._described()} has no option "{option}"; it has {offered or "none at all"}'
            )
            raise SessionError(sentence)
        if found.get("disabled") is not None:
            raise SessionError(f'the option "{option}" of {self._described()} is disabled')
        if add and self._node.get("multiple") is None:
            raise SessionError(
                f"{self._described()} takes one option only: nothing can be added to it"
            )
        if self._node.get("data-list") is None:
            self._choose_row(self._node, found)
        elif not add or found.get("selected") is None:
            self._session.perform("click", found.get("data-on"), self._described(), add=add)

    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button."""
        if self.tag != "input" or self._kind() not in {"checkbox", "radio"}:
            raise SessionError(f"{self._described()} is neither a checkbox nor a radio button")
        if self._kind() == "radio" and not checked:
            raise SessionError(f"{self._described()} is a radio button: choose another one instead")
        if self.checked != checked:
            self._session.perform("click", self._key(), self._described())

    def attach(self, files: Sequence[Path]) -> None:
        """Raise Unsupported: a desktop program opens files through a dialog."""
        del files
        msg = 'a desktop program has no file fields: press what opens its dialog, fill in "File '
        raise Unsupported(msg + 'name" there and press "Open"')

    def find_all(self, xpath: str) -> Sequence[DesktopElement]:
        """Return the elements that an XPath finds inside it, relative to it: `.//button`."""
        return [DesktopElement(self._session, one) for one in elements(self._node, xpath)]

    def _choose_row(self, select: Any, option: Any) -> None:
        row = int(option.get("data-row"))
        self._session.perform("choose", select.get("data-on"), self._described(), row=row)

    def _options(self) -> list[Any]:
        return list(self._node.iter("option"))

    def _kind(self) -> str:
        return str(self._node.get("type") or "text")

    def _key(self) -> str:
        """Return the agent's number of the widget, or of the widget that a caption belongs to."""
        for node in (self._node, *self._node.iterancestors()):
            if node.tag == "label" and node.get("for"):
                named = node.getroottree().xpath("//*[@id = $id]", id=node.get("for"))
                if named and named[0].get("data-on"):
                    return str(named[0].get("data-on"))
            if node.get("data-on"):
                return str(node.get("data-on"))
            inner = [one for one in node.iter(*_FIELDS) if one.get("data-on")]
            if node.tag == "label" and inner:
                return str(inner[0].get("data-on"))
        raise Unsupported(f"{self._described()} is nothing that can be acted on")

    def _described(self) -> str:
        named = self._node.getroottree().xpath("//label[@for = $id]", id=self._node.get("id", ""))
        if named:
            return f'the {self.tag} "{visible_text(named[0])}"'
        names = [
            f'{name}="{self._node.get(name)}"'
            for name in ("name", "aria-label", "type")
            if self._node.get(name)
        ]
        words = " ".join([self.tag, *names[:2]])
        text = self.text if self.tag not in _FIELDS else ""
        return f'the {words} "{text[:40]}"' if text else f"the {words}"
