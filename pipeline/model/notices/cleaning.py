"""Clean and limit the texts of notices: anybody who commits or names a worker writes them.

Every text of a `Notice` passes here when the notice is made, and nowhere else: what sends a notice
finds no line end in a line, no control or direction mark, and no half character.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import BeforeValidator

from slipway.model.parameter.characters import MOST_MARKS, is_refused

__all__ = ["Line", "Lines", "Long", "Word", "clean_line", "clean_lines"]

_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_MORE = "..."
#: Joiners within words of some scripts and within emoji. They move no other letter.
_JOINERS = {"\u200c", "\u200d"}
_TAB = "    "


def clean_line(text: Any, most: int) -> str:
    """Return a text as one line without anything that is not shown.

    Args:
        text: The text; line ends and tabs become blanks.
        most: Maximum number of characters.
    """
    # Cut first: the rest of a huge text is not worth looking at.
    given = str(text)[: 2 * most + 2]
    return _cut(" ".join(_shown(given).split()), most, is_cut=len(str(text)) > len(given))


def clean_lines(text: Any, most: int) -> str:
    """Return a text with Unix line ends and without anything else that is not shown.

    Args:
        text: The text; tabs become blanks.
        most: Maximum number of characters; of a longer one the end is kept, where errors are.
    """
    given = str(text)
    cut = given[-2 * most :].replace("\r\n", "\n").replace("\r", "\n").replace("\t", _TAB)
    shown = "\n".join(_shown(line).rstrip() for line in cut.split("\n")).strip("\n")
    if len(shown) <= most and len(given) <= 2 * most:
        return shown
    return f"{_MORE}\n{shown[-(most - len(_MORE) - 1) :]}"


def _shown(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode("utf-8")
    normal = unicodedata.normalize("NFC", whole) if not _is_marked(whole) else whole
    made, row = [], 0
    for char in normal:
        row = row + 1 if unicodedata.combining(char) else 0
        if row > MOST_MARKS:
            continue
        if char in "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029":
            made.append(" ")
        elif char in _JOINERS:
            made.append(char)
        else:
            made.append(_INSTEAD if is_refused(char) else char)
    return "".join(made)


def _is_marked(text: str) -> bool:
    """Return whether normalising a text is slow, for a character has too many marks."""
    row = 0
    for char in text:
        row = row + 1 if unicodedata.combining(char) else 0
        if row > MOST_MARKS:
            return True
    return False


def _cut(text: str, most: int, *, is_cut: bool) -> str:
    if len(text) <= most and not is_cut:
        return text
    return text[: most - len(_MORE)].rstrip() + _MORE


def _line(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: clean_line(value, most))


def _lines(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: clean_lines(value, most))


#: A name or a number: at most 100 characters.
Word = Annotated[str, _line(100)]
#: A sentence in one line: at most 300 characters.
Line = Annotated[str, _line(300)]
#: A line that may be longer, such as an address: at most 2,000 characters.
Long = Annotated[str, _line(2000)]
#: Several lines: at most 8,000 characters, the last ones.
Lines = Annotated[str, _lines(8000)]
