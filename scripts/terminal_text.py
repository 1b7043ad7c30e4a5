"""Texts of others as a terminal may show them: as they are, and never an order to it."""

from __future__ import annotations

import re

from rich import markup

#: Control characters but for ends of lines and tabs, lone surrogates, and what turns the direction
#: of writing (https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings): with them a
#: commit's message, a test's name or a program's last line could write over what stands there.
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Return a text in which what a terminal would obey can be read instead.

    Example:
        >>> plain("\x1b[2Jgone")
        '\\x1b[2Jgone'
    """
    return _ORDERS.sub(lambda found: ascii(found[0])[1:-1], text)


def escape(text: str) -> str:
    """Return a text as rich's markup prints it: as it is, and nothing in it an order."""
    return markup.escape(plain(text))  # noqa: TID251  here it is made safe
