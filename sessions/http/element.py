"""An element on a page over plain HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.sessions.element import Element
from slipway.sessions.errors import NotThere, SessionError, Unsupported
from slipway.sessions.http import fields as http_fields
from slipway.sessions.http.forms import submission
from slipway.sessions.http.page import Page, clean
from slipway.sessions.http.tab import Tab
from slipway.sessions.http.text import is_visible, visible_text
from slipway.sessions.http.xpath import elements

__all__ = ["HttpElement"]

_TAG_IT = "tag the scenario @javascript"
_FOCUSED = {"input", "textarea", "select"}


class HttpElement(Element):
    """An element of a page that was received over plain HTTP."""

    def __init__(self, tab: Tab, page: Page, node: Any) -> None:
        """Keep the element, its page, and the tab that a click navigates."""
        self._tab = tab
        self._page = page
        self._node = node

    @property
    def tag(self) -> str:
        """The element's name in lower case, such as "input"."""
        return str(self._node.tag).lower()

    @property
    def text(self) -> str:
        """Its visible text, white space folded."""
        return visible_text(self._node)

    @property
    def value(self) -> str:
        """The value of a field; for a list the chosen option's value, for files a name."""
        return http_fields.value(self._page, self._node)

    @property
    def checked(self) -> bool:
        """True if a checkbox, radio button or option is chosen."""
        return http_fields.is_checked(self._page, self._node)

    @property
    def visible(self) -> bool:
        """True if a person can see it, according to the HTML alone: style sheets are not read."""
        return is_visible(self._node)

    def attribute(self, name: str) -> str | None:
        """Return an attribute as written in the page; None if it is missing."""
        value = self._node.get(name.lower())
        return None if value is None else str(value)

    def click(self) -> None:
        """Click it: follow a link, press a button, toggle a checkbox.

        Raises:
            Unsupported: The effect of a click depends on a script.
            SessionError: It is disabled, or the linked page cannot be loaded.
        """
        self._must_be_shown()
        for node in (self._node, *self._node.iterancestors()):
            if self._is_clicked(node):
                return
        raise Unsupported(
            f"clicking {self._described()} does something by a script only; {_TAG_IT}"
        )

    def fill(self, text: str) -> None:
        """Replace the content of a text field."""
        self._must_be_shown()
        http_fields.set_text(self._page, self._node, text, self._described())

    def choose(self, option: str, *, add: bool = False) -> None:
        """Choose an option of a list by its text or value; with `add` the others stay chosen."""
        self._must_be_shown()
        http_fields.choose(self._page, self._node, option, self._described(), add=add)

    def set_checked(self, *, checked: bool) -> None:
        """Check or uncheck a checkbox, choose a radio button."""
        self._must_be_shown()
        http_fields.set_checked(self._page, self._node, self._described(), checked=checked)

    def attach(self, files: Sequence[Path]) -> None:
        """Attach files to a file field; an empty list clears it."""
        self._must_be_shown()
        http_fields.attach(self._page, self._node, tuple(files), self._described())

    def find_all(self, xpath: str) -> Sequence[HttpElement]:
        """Return the elements that an XPath finds inside it (relative to the element: `.//a`)."""
        nodes = elements(self._node, xpath)
        return [HttpElement(self._tab, self._page, one) for one in nodes]

    def _must_be_shown(self) -> None:
        if self._tab.page is not self._page:
            msg = (
                f"{self._described()} is of an earlier page, not of {self._tab.url}: find it again"
            )
            raise NotThere(msg)

    def _described(self) -> str:
        names = [
            f' {name}="{self._node.get(name)}"'
            for name in ("id", "name", "type", "value", "href")
            if self._node.get(name)
        ]
        return f"<{self.tag}{''.join(names[:2])}>"

    def _is_clicked(self, node: Any) -> bool:
        """Perform the effect of a click on an element; return whether it has any."""
        tag = node.tag
        if tag in {"a", "area"} and node.get("href") is not None:
            self._follow(node)
        elif tag == "button" or (tag == "input" and http_fields.kind(node) in http_fields.BUTTONS):
            self._press(node)
        elif tag == "input" and http_fields.kind(node) in http_fields.CHOICES:
            checked = http_fields.kind(node) == "radio" or not http_fields.is_checked(
                self._page, node
            )
            http_fields.set_checked(self._page, node, self._described(), checked=checked)
        elif tag == "option":
            self._choose(node)
        elif tag == "summary" and node.getparent().tag == "details":
            self._page.toggle(node.getparent())
        elif tag == "label":
            return self._click_label(node)
        else:
            return tag in _FOCUSED
        return True

    def _follow(self, link: Any) -> None:
        address = clean(link.get("href"))
        scheme = address.partition(":")[0].lower()
        title = f'the link "{visible_text(link) or address}"'
        if scheme == "javascript" or (address == "#" and link.get("onclick") is not None):
            raise Unsupported(f"{title} runs a script; {_TAG_IT}")
        url = self._page.absolute(address)
        if urlsplit(url).scheme.lower() not in {"http", "https"}:
            raise Unsupported(f"{title} leads to {url[:80]}, which is no page over HTTP")
        self._tab.follow(url)

    def _press(self, button: Any) -> None:
        title = (
            f'the button "{visible_text(button) or button.get("value") or button.get("alt") or ""}"'
        )
        if http_fields.is_disabled(button):
            raise SessionError(f"{title} is disabled")
        what = http_fields.kind(button)
        form = http_fields.form_of(self._page, button)
        if what == "button" or form is None:
            raise Unsupported(f"{title} does something by a script only; {_TAG_IT}")
        if what == "reset":
            http_fields.reset(self._page, form)
        else:
            self._tab.open(submission(self._page, form, button))

    def _choose(self, option: Any) -> None:
        select = next(option.iterancestors("select"), None)
        if select is None:
            raise SessionError(f"{self._described()} is in no list")
        http_fields.choose_option(self._page, select, option, self._described())

    def _click_label(self, label: Any) -> bool:
        """Click the control of a label; a click on a text field would only focus it."""
        named = label.get("for")
        if named is not None:
            fields = self._page.tree.xpath("//*[@id = $id]", id=named)
        else:
            fields = list(label.iter("input", "select", "textarea", "button"))
        return bool(fields) and self._is_clicked(fields[0])
