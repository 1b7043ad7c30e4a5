"""Extract the text of a page that a person without JavaScript sees."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from slipway.sessions.locators import fold

__all__ = ["hides", "is_visible", "visible_text"]

_UNSEEN = frozenset(
    str.split(
        "area base canvas audio datalist frameset head iframe input link meta noembed noframes "
        "param rp script source style template textarea title track video"
    )
)
_INLINE = frozenset(
    str.split(
        "a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd "
        "label map mark meter noscript object output picture progress q ruby s samp small span "
        "strike strong sub sup svg text time tspan tt u var wbr"
    )
)
_PIECE = 1 << 16
_CSS_UNSEEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE
)


def hides(node: Any) -> bool:
    """Return True if an element hides itself and its content, according to the HTML alone."""
    tag = node.tag
    if not isinstance(tag, str) or tag in _UNSEEN:
        return True
    if node.get("hidden") is not None or (tag == "dialog" and node.get("open") is None):
        return True
    style = node.get("style")
    if style is not None and _CSS_UNSEEN.search(style):
        return True
    return _is_folded_away(node)


def _is_folded_away(node: Any) -> bool:
    """Return True if it is in a closed <details>, of which only the first <summary> is visible."""
    parent = node.getparent()
    if parent is None or parent.tag != "details" or parent.get("open") is not None:
        return False
    return node is not parent.find("summary")


def is_visible(node: Any) -> bool:
    """Return True if a person can see an element; a field is visible even without text."""
    if node.tag in {"input", "textarea", "iframe", "canvas", "audio", "video", "area"}:
        if node.tag == "input" and (node.get("type") or "").lower() == "hidden":
            return False
        style = node.get("style")
        if node.get("hidden") is not None or (style and _CSS_UNSEEN.search(style)):
            return False
        if _is_folded_away(node):
            return False
    elif hides(node):
        return False
    return not any(hides(above) for above in node.iterancestors())


def visible_text(root: Any) -> str:
    """Return the visible text in an element, white space folded.

    Iterative, not recursive: a page may be nested a thousand levels deep.
    """
    if root.tag == "textarea":
        return fold(root.text or "")
    out = _Folded()
    events = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, node in events:
        if event == "start":
            if node is not root and hides(node):
                events.skip_subtree()
            else:
                _begin(node, out)
            continue
        if event == "end" and node.tag not in _INLINE:
            out.add(" ")
        if node is not root and node.tail:
            out.add(node.tail)
    return out.text()


def _begin(node: Any, out: _Folded) -> None:
    """Emit the separator at the start of an element; inline elements get none."""
    if node.tag not in _INLINE:
        out.add(" ")
    if node.text:
        out.add(node.text)


class _Folded:
    """Fold white space piece by piece: splitting 50 MB at once would take ten times the memory."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._raw: list[str] = []
        self._size = 0
        self._apart = False

    def add(self, text: str) -> None:
        self._raw.append(text)
        self._size += len(text)
        if self._size > _PIECE:
            self._fold()

    def text(self) -> str:
        self._fold()
        return "".join(self._pieces)

    def _fold(self) -> None:
        raw = "".join(self._raw)
        self._raw, self._size = [], 0
        words = fold(raw)
        if words and self._pieces and (self._apart or raw[0].isspace()):
            self._pieces.append(" ")
        if words:
            self._pieces.append(words)
        if raw:
            self._apart = raw[-1].isspace() or (self._apart and not words)
