"""Act on an element in a browser: find, check and act as one operation."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser.base import BrowserBase
from slipway.sessions.browser.errors import LeftPage, translated_errors
from slipway.sessions.browser.pointer import click_at
from slipway.sessions.browser.refusals import LASTING, refusal
from slipway.sessions.element import Element
from slipway.sessions.errors import NotThere, SessionError, Unsupported
from slipway.sessions.label_search import path_of
from slipway.sessions.session import NotYet

__all__ = ["ActingElement", "typable"]

T = TypeVar("T")
# Typing takes about a millisecond per character; people paste long texts, too.
_LONGEST_TYPED = 500
_EXAMPLES = {
    "date": "2026-11-21",
    "time": "14:30",
    "datetime-local": "2026-11-21T14:30",
    "month": "2026-11",
    "week": "2026-W47",
    "number": "1.5",
    "range": "a number within its limits",
    "color": "#ff8800",
}


class ActingElement(Element):
    """An element on a page, searched anew for each action.

    Its search path is a list of steps, in the format of page/finding.js.
    """

    #: True: one particular element, which cannot be found again once it has left the page.
    held = False

    def __init__(self, session: BrowserBase, way: Sequence[object]) -> None:
        """Keep the search path.

        Args:
            session: The session with its page.
            way: The search path, which is evaluated at each action.
        """
        self._session = session
        self._way = way
        self._torn = False

    @property
    def tag(self) -> str:
        """The element's name in lower case, such as "input"."""
        return str(self._query_value("tag"))

    @property
    def text(self) -> str:
        """Its visible text, white space folded; "" if it is hidden."""
        return " ".join(str(self._query_value("text") or "").split())

    @property
    def value(self) -> str:
        """The value of a field; for a list the chosen option's value."""
        return str(self._query_value("value"))

    @property
    def checked(self) -> bool:
        """True if a checkbox, radio button or option is chosen."""
        return bool(self._query_value("checked"))

    @property
    def visible(self) -> bool:
        """True if a person can see it."""
        return bool(self._query_value("visible"))

    def attribute(self, name: str) -> str | None:
        """Return an attribute as written in the page; None if it is missing."""
        value = self._query_value("attribute", name)
        return None if value is None else str(value)

    def click(self) -> None:
        """Click it with the mouse, once it is visible, enabled, at rest and uncovered."""

        def act() -> None:
            place = self.query("click")
            if "option" in place:
                place["option"].click()  # a list's own menu is no part of the page
                self._session.run_next_task()
                return
            self._clicked(place)

        self._do(act)

    def _clicked(self, place: dict[str, Any]) -> dict[str, Any]:
        """Click at a position; return the page's observation, empty if another page is shown."""
        observed = click_at(self._session.browser, place)
        if "why" in observed:
            raise self._refused(observed)
        return observed

    def fill(self, text: str) -> None:
        """Replace the content of a field, or of an editable part of the page.

        Dates, times, numbers, ranges and colours are set in HTML's format, because typing them
        depends on the browser's language; long texts are pasted; others are typed.
        """
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._do(lambda: self._fill(text))

    def _fill(self, text: str) -> None:
        pasted = self._torn or not typable(text)
        done = self.query("fill", text, pasted)
        if done["action"] == "type":
            self._type(done["element"], done["text"])
        elif done["type"] in _EXAMPLES:
            _check_taken(done["type"], text, done["value"])

    def _type(self, field: WebElement, text: str) -> None:
        """Type a text; if the field was replaced meanwhile, paste the text at the next attempt.

        Raises:
            Gone: The field was replaced.
        """
        try:
            with translated_errors("the field"):
                field.send_keys(text)
        except LeftPage:
            self._torn = True
            raise
        with contextlib.suppress(WebDriverException):  # the text made the page navigate
            if not self._session.run_script("filled", self._way, text)["kept"]:
                self._torn = True
                msg = "the field was replaced as it was typed into"
                raise LeftPage(msg)

    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an option of a list by its text or value; with `add` the others stay chosen."""

        def act() -> None:
            done = self.query("choose", option, add)
            if "options" in done:
                offered = ", ".join(f'"{one}"' for one in done["options"][:20]) or "nothing"
                msg = f'the {self.called()} has no option "{option}"; it offers {offered}'
                raise NotThere(msg)

        self._do(act)

    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button.

        If a label covers it, the label is clicked instead.
        """
        self._do(lambda: self._set_checked(checked=checked))

    def _set_checked(self, *, checked: bool) -> None:
        place = self.query("check", checked)
        if "done" in place:
            self._session.run_next_task()
            return
        observed = self._clicked(place)
        if observed.get("checked", checked) is checked:
            return
        if not observed["same"]:
            msg = "the box was replaced as it was clicked"
            raise LeftPage(msg)
        self._expect(checked=checked)

    def _expect(self, *, checked: bool) -> None:
        """Wait for the state of a clicked checkbox: a second click would undo a late first one."""

        def once() -> bool:
            try:
                return self.query("checked")["value"] is checked
            except (LeftPage, NotYet):
                return True  # the element has left the page

        try:
            self._session.wait(once, lambda: "")
        except SessionError:
            state = "not checked" if checked else "still checked"
            msg = f"the {self.called()} was clicked and is {state}, on {self._session.shown()}"
            raise Unsupported(f"{msg}; the page does not let it change") from None

    def attach(self, files: Sequence[Path]) -> None:
        """Attach files to a file field, visible or not; they replace its former files."""

        def act() -> None:
            field = self.query("attach", len(files))["element"]
            if files:
                self._session.send_files(field, [file.resolve() for file in files])

        self._do(act)

    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return the elements that an XPath finds inside it (relative to the element: `.//a`)."""
        way = [*self._way, [path_of(xpath)]]
        return self._do(lambda: self._session.found(self.query("all", way=way)))

    @abstractmethod
    def called(self) -> str:
        """Return its description for messages."""

    @abstractmethod
    def missing(self, step: int) -> Exception:
        """Return the error if a step of its search path finds nothing."""

    def _query_value(self, script: str, *arguments: object) -> Any:
        return self._do(lambda: self.query(script, *arguments)["value"])

    def query(
        self, script: str, *arguments: object, way: Sequence[object] | None = None
    ) -> dict[str, Any]:
        """Run a page script that may be retried: it neither clicks nor types.

        Raises:
            NotYet: The page cannot do it now, or a step of the search path finds nothing.
            Gone: The element has left the page.
            Unsupported: The page can never do it.
        """
        with self._session.querying("the element"):
            answer = self._session.run_script(script, self._way if way is None else way, *arguments)
        if "missing" in answer:
            raise self.missing(answer["missing"])
        if "why" in answer:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: dict[str, Any]) -> Exception:
        def sentence() -> str:
            return refusal(answer, self.called(), self._session.shown())

        if answer["why"] in LASTING:
            return Unsupported(sentence())
        return NotYet(SessionError, sentence)

    def _do(self, action: Callable[[], T]) -> T:
        def once() -> T:
            with translated_errors("the element"):
                return action()

        return self._session.when_stable(once, held=self.held)


def typable(text: str) -> bool:
    """Return True if keys can type a text.

    That is a short text without WebDriver's key codes and without astral characters.
    """
    if len(text) > _LONGEST_TYPED:
        return False
    return not any(
        char > "\uffff" or "\ue000" <= char <= "\uf8ff" or (char < " " and char != "\n")
        for char in text
    )


def _check_taken(kind: str, text: str, value: str) -> None:
    """Raise if the browser has silently stored another value, or none."""
    refused = text != "" and value == ""
    if kind == "range":
        refused = _number(text) != _number(value)
    if kind == "color":
        refused = text.lower() != value.lower()
    if refused:
        msg = f'a field of the type {kind} does not take "{text}"; write it as {_EXAMPLES[kind]}'
        raise SessionError(msg)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
