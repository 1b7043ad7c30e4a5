"""One element in a browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from slipway.sessions.browser import scripts
from slipway.sessions.browser.errors import told
from slipway.sessions.element import Element
from slipway.sessions.errors import NotThere, SessionError, Transient
from slipway.sessions.label_search import MOST_LABELS, label_searches

if TYPE_CHECKING:
    from slipway.sessions.browser.session import BrowserSession

T = TypeVar("T")
# Typing takes about a millisecond a character; a person pastes such texts, too.
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


class BrowserElement(Element):
    """What a browser session finds."""

    def __init__(self, session: BrowserSession, element: WebElement) -> None:
        """Keep what was found.

        Args:
            session: Whose page it is on.
            element: WebDriver's own.
        """
        self._session = session
        self.web_element = element

    @property
    def tag(self) -> str:
        """The element's name in lower case, such as "input"."""
        return str(self._ask(scripts.TAG))

    @property
    def text(self) -> str:
        """The text a person sees in it, white space folded; "" where it is hidden."""
        return " ".join(str(self._ask(scripts.TEXT) or "").split())

    @property
    def value(self) -> str:
        """What a field holds; of a list the chosen option's value."""
        return str(self._ask(scripts.VALUE))

    @property
    def checked(self) -> bool:
        """Whether a checkbox, radio button or option is chosen."""
        return bool(self._ask(scripts.CHECKED))

    @property
    def visible(self) -> bool:
        """Whether a person can see it."""
        return bool(self._ask(scripts.VISIBLE))

    def attribute(self, name: str) -> str | None:
        """Return an attribute as the page says it; None where it has none."""
        value = self._ask(scripts.ATTRIBUTE, name)
        return None if value is None else str(value)

    def click(self) -> None:
        """Click it as a mouse does, once it rests, is enabled, and nothing covers it."""

        def deed() -> None:
            rests = self._run(scripts.AT_REST)
            if rests == "disabled":
                # A click on it would do nothing, without a word.
                msg = "what is to be clicked is disabled"
                raise SessionError(msg)
            if not rests:
                msg = "what is to be clicked is moving"
                raise Transient(msg)
            self._click(self.web_element)
            self._session.let_go()

        self._do(deed)

    def fill(self, text: str) -> None:
        """Replace what a field, or an editable part of the page, holds.

        Dates, times, numbers, ranges and colours are set as HTML writes them, as typing them
        depends on the browser's language; long texts are pasted; others are typed.
        """
        self._do(lambda: self._fill(text))

    def _fill(self, text: str) -> None:
        single = self._run(scripts.TAG) == "input"
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = text.replace("\n", "") if single else text
        pasted = not typable(text)
        done = self._run(scripts.FILL, text, pasted)
        kind = done["type"]
        if done["said"] == "kind":
            msg = f"{self._called(kind)} takes no text"
            raise SessionError(msg)
        if done["said"] in ("disabled", "read-only"):
            msg = f"the field is {done['said']} and cannot be filled in"
            raise SessionError(msg)
        if done["said"] == "hidden":
            msg = "the field is hidden"
            raise Transient(msg)
        if done["said"] == "type":
            self.web_element.send_keys(text)
        elif kind in _EXAMPLES:
            _check_taken(kind, text, done["value"])

    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an option of a list by its text or value; `add` keeps the others."""

        def deed() -> None:
            done = self._run(scripts.CHOOSE, option, add)
            if done["said"] == "kind":
                msg = f"{self._called(done['tag'])} is no list to choose from"
                raise SessionError(msg)
            if done["said"] == "disabled":
                msg = f'the option "{option}" is disabled'
                raise SessionError(msg)
            if done["said"] == "none":
                offered = ", ".join(f'"{one}"' for one in done["options"][:20]) or "nothing"
                msg = f'the list has no option "{option}"; it offers {offered}'
                raise NotThere(msg)

        self._do(deed)

    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button; by its label where that covers it."""
        self._do(lambda: self._set_checked(checked=checked))

    def _set_checked(self, *, checked: bool) -> None:
        box = self._run(scripts.BOX)
        if box["type"] not in ("checkbox", "radio"):
            msg = f"{self._called(box['type'])} can be neither checked nor unchecked"
            raise SessionError(msg)
        if box["checked"] is checked:
            return
        if box["disabled"]:
            msg = "the box is disabled"
            raise SessionError(msg)
        if not checked and box["type"] == "radio":
            msg = "a radio button cannot be unchecked; choose another one"
            raise SessionError(msg)
        try:
            self._click(self.web_element)
        except (ElementClickInterceptedException, ElementNotInteractableException):
            # Styled boxes hide the real one; a person clicks the label.
            if box["label"] is not None:
                self._click(box["label"])
            elif box["labelled"]:
                self._session.browser.execute_script(scripts.CLICK, self.web_element)
            else:
                raise
        self._session.let_go()

    def _click(self, what: WebElement) -> None:
        try:
            what.click()
        except ElementClickInterceptedException:
            # A footer that stays in its place lies on it: a person scrolls on.
            self._session.browser.execute_script(scripts.CENTRE, what)
            what.click()

    def attach(self, files: Sequence[Path]) -> None:
        """Give files to a file field, shown or not, in place of those it held."""

        def deed() -> None:
            field = self._run(scripts.FILES)
            if not field["file"]:
                msg = "this is no file field"
                raise SessionError(msg)
            if field["disabled"]:
                msg = "the file field is disabled"
                raise SessionError(msg)
            if len(files) > 1 and not field["multiple"]:
                msg = f"the file field takes one file, not {len(files)}"
                raise SessionError(msg)
            if field["filled"]:
                self._run(scripts.NO_FILES)
            if files:
                self._session.send_files(self.web_element, [file.resolve() for file in files])

        self._do(deed)

    def find_all(self, xpath: str) -> Sequence[Element]:
        """Return what an XPath finds inside it (written from the element: `.//a`)."""
        browser = self._session.browser

        def look() -> Sequence[WebElement]:
            with self._session.looking("the element"):
                return found_in(browser, xpath, self.web_element)

        found = self._do(look)
        return [BrowserElement(self._session, one) for one in found]

    def _called(self, tag: str) -> str:
        return f"a {tag} element"

    def _ask(self, script: str, *arguments: object) -> Any:
        return self._do(lambda: self._run(script, *arguments))

    def _run(self, script: str, *arguments: object) -> Any:
        """Run a script that looks, or that may be run again: none that clicks."""
        with self._session.looking("the element"):
            return self._session.browser.execute_script(script, self.web_element, *arguments)

    def _do(self, deed: Callable[[], T]) -> T:
        def once() -> T:
            with told("the element"):
                return deed()

        return self._session.settled(once, held=True)


def found_in(
    browser: WebDriver, xpath: str, context: WebElement | None = None
) -> Sequence[WebElement]:
    """Return what an XPath finds on the page, or from an element on; labels are looked for once."""
    searches = label_searches(xpath)
    if not searches:
        found: list[WebElement] = (context or browser).find_elements(By.XPATH, xpath)
        return found
    told = browser.execute_script(scripts.FIND, xpath, context, searches, MOST_LABELS)
    return cast("list[WebElement]", told)


def typable(text: str) -> bool:
    """Whether keys can say a text: short, without WebDriver's key codes and astral characters."""
    if len(text) > _LONGEST_TYPED:
        return False
    return not any(
        char > "\uffff" or "\ue000" <= char <= "\uf8ff" or (char < " " and char != "\n")
        for char in text
    )


def _check_taken(kind: str, text: str, value: str) -> None:
    """Complain where a browser silently takes something else, or nothing."""
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
