"""Escape untrusted text for terminals: printable text stays, control sequences become visible."""

from __future__ import annotations

import re

from rich import markup

__all__ = ["escape", "plain"]

#: Control characters except line ends and tabs, lone surrogates, and overrides of the writing
#: direction (https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings): with them a
#: commit message, a test's name or a program's output could overwrite other text.
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Replace control characters by visible escapes.

    Example:
        >>> plain("\x1b[2Jgone")
        '\\x1b[2Jgone'
    """
    return _ORDERS.sub(lambda found: ascii(found[0])[1:-1], text)


def escape(text: str) -> str:
    """Escape a text for rich: markup and terminal control sequences are printed literally."""
    return markup.escape(plain(text))  # noqa: TID251  here it is made safe
