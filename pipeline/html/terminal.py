"""Convert terminal output for a page."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from slipway.html.templates import clean

__all__ = ["lines"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")


def lines(text: str, width: int = 0) -> Markup:
    """Return a text of several lines as HTML, without terminal colours.

    Args:
        text: The text.
        width: Maximum characters of a line, which is truncated; 0: no limit.
    """
    plain = (_ANSI.sub("", text) if "\x1b" in text else text).expandtabs(4).splitlines()
    if width:
        plain = [
            line[at : at + width] for line in plain for at in range(0, max(1, len(line)), width)
        ]
    return escape("\n".join(map(clean, plain)))
