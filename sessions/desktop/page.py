"""The windows of a desktop program as one page: the agent's answer as HTML elements."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import lxml.html
from lxml import etree

__all__ = ["Windows", "clean"]

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = "section{border:1px solid #999;margin:1em;padding:1em}td,th{border:1px solid #ccc}"


class Windows:
    """A snapshot of the program's windows."""

    def __init__(self, data: dict[str, Any]) -> None:
        """Build the page.

        Args:
            data: The agent's answer to "tree".
        """
        self.order: list[str] = [str(one) for one in data["order"]]
        """The windows' ids, oldest first."""
        self.root = lxml.html.Element("html")
        self.body = etree.SubElement(self.root, "body")
        for window in data["windows"]:
            _grow(self.body, window)

    @property
    def front(self) -> Any:
        """The window in front; None if none is open."""
        return next(iter(self.body), None)

    @property
    def title(self) -> str:
        """The title of the window in front."""
        front = self.front
        return "" if front is None else str(front.get("aria-label") or "")

    @property
    def alert(self) -> Any:
        """The message box in front; None if there is none."""
        return next((one for one in self.body if one.get("role") == "alertdialog"), None)

    @property
    def html(self) -> str:
        """The snapshot as an HTML page."""
        page = lxml.html.Element("html")
        head = etree.SubElement(page, "head")
        etree.SubElement(head, "meta", charset="utf-8")
        etree.SubElement(head, "title").text = self.title
        etree.SubElement(head, "style").text = _STYLE
        page.append(deepcopy(self.body))
        text: str = lxml.html.tostring(
            page, encoding="unicode", pretty_print=True, doctype="<!doctype html>"
        )
        return text


def _grow(parent: Any, data: Any) -> None:
    """Add an element and all its descendants to a parent."""
    tag, attributes, kids = data
    made = etree.SubElement(parent, tag)
    # Separate widgets by a space, whatever their HTML element is.
    made.tail = " "
    for name, value in attributes.items():
        made.set(name, clean(value))
    for kid in kids:
        if not isinstance(kid, str):
            _grow(made, kid)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + clean(kid)
        else:
            made.text = (made.text or "") + clean(kid)


def clean(text: str) -> str:
    """Return a text without characters that are invalid in a page."""
    return _NO_XML.sub("\ufffd", text)
