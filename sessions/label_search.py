"""Speed up XPath searches for a field by its label.

The set of ids that labels refer to is the same for every field, yet lxml and browsers search all
labels for each field: a form of 2,000 fields takes them 5 and 18 seconds. Here the labels are
searched once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from slipway.sessions.locators import literal

__all__ = ["MOST_LABELS", "label_searches", "labels_first", "path_of"]

_LABELLED = "@id = //label"
_PARTS = re.compile(r"""("[^"]*"|'[^']*'|[\[\]])""")
MOST_LABELS = 50


def labels_first(xpath: str, ids_of: Callable[[str], Sequence[str]]) -> str:
    """Return an XPath with the ids of matching labels in place of the search for the labels.

    Args:
        xpath: An XPath from `named`, maybe made relative to an element.
        ids_of: Evaluates an XPath of `for` attributes on the document; returns their values.

    Returns:
        An equivalent XPath; the given one if it has no label search.
    """
    known: dict[str, Sequence[str]] = {}
    for search, labels in label_searches(xpath):
        if labels not in known:
            known[labels] = ids_of(labels)
        if len(known[labels]) <= MOST_LABELS:
            condition = " or ".join(f"@id = {literal(one)}" for one in known[labels])
            xpath = xpath.replace(search, f"({condition or 'false()'})")
    return xpath


def path_of(xpath: str) -> tuple[str, list[tuple[str, str]]]:
    """Return an XPath with its label searches, for a page that evaluates the labels first."""
    return xpath, label_searches(xpath)


def label_searches(xpath: str) -> list[tuple[str, str]]:
    """Return the parts of an XPath that search a field by its labels.

    Returns:
        For each part its text, and the XPath of the `for` attributes it compares with the id.
    """
    if _LABELLED not in xpath:
        return []
    parts = _PARTS.split(xpath)
    found: dict[str, str] = {}
    for at, part in enumerate(parts):
        end = _end_of_predicate(parts, at) if part.endswith(_LABELLED) else at
        if end > at and parts[end + 1].startswith("/@for"):
            labels = "//label" + "".join(parts[at + 1 : end + 1]) + "/@for"
            found[f"@id = {labels}"] = labels
    return list(found.items())


def _end_of_predicate(parts: list[str], at: int) -> int:
    """Return the index of the part with the bracket that closes the one opened after `at`.

    Returns `at` if no bracket opens there or none closes it.
    """
    depth = 0
    for number in range(at + 1, len(parts)):
        depth += {"[": 1, "]": -1}.get(parts[number], 0)
        if depth == 0 and parts[number] == "]":
            return number
        if depth == 0 and parts[number]:
            return at
    return at
