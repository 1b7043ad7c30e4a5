"""Evaluate XPath on a page over plain HTTP."""

from __future__ import annotations

from typing import Any

from lxml import etree

from slipway.sessions.errors import SessionError
from slipway.sessions.label_search import labels_first

__all__ = ["elements"]


def elements(context: Any, xpath: str) -> list[Any]:
    """Return the elements that an XPath finds, relative to a document or an element.

    Raises:
        SessionError: It is no valid XPath 1.0, or it selects other nodes than elements.
    """
    try:
        nodes = context.xpath(labels_first(xpath, context.xpath))
    except (etree.XPathError, ValueError) as wrong:
        raise SessionError(f"{xpath!r} is no XPath 1.0: {wrong}") from None
    if not isinstance(nodes, list) or any(not etree.iselement(one) for one in nodes):
        raise SessionError(f"{xpath!r} finds no elements but something else: let it find elements")
    return [one for one in nodes if isinstance(one.tag, str)]
