"""Validate the characters of texts, and quote values in sentences."""

from __future__ import annotations

import unicodedata
from datetime import date

__all__ = ["MOST_MARKS", "clean", "is_refused", "named", "shown"]

#: Unicode categories that are refused: controls, lone surrogates, line and paragraph separators.
_NEVER = {"Cc", "Cs", "Zl", "Zp"}
#: Format characters of scripts and emoji: joiners and direction marks. Allowed in texts, but not in
#: single lines, which are compared and copied.
_JOINERS = {"\u00ad", "\u200c", "\u200d", "\u200e", "\u200f"}
#: Invisible letters and marks (Unicode's Default_Ignorable_Code_Point).
_FILLERS = {"\u034f", "\u115f", "\u1160", "\u3164", "\uffa0"}
#: Maximum number of marks on one character, as in Unicode's stream-safe text (UAX 15); more make
#: normalisation slow.
MOST_MARKS = 30
_SHOWN = 60


def clean(text: str, *, lines: bool = False) -> str:
    """Normalise a text to Unicode's composed form (NFC) with Unix line ends.

    Args:
        text: The text.
        lines: True: allow several lines, tabs and joiners.

    Raises:
        ValueError: It contains a refused character; the sentence names it.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    _refuse_marks(text)
    made = unicodedata.normalize("NFC", text)
    _refuse_marks(made)
    for position, char in enumerate(made, 1):
        if lines and (char in "\n\t" or char in _JOINERS):
            continue
        if is_refused(char):
            why = _why(char, unicodedata.category(char))
            msg = f"holds {named(char)} as character {position}; {why}"
            raise ValueError(msg)
    return made


def is_refused(char: str) -> bool:
    """Return True for a character that no line of a text may have: control, invisible, half."""
    category = unicodedata.category(char)
    return category in _NEVER or category == "Cf" or char in _FILLERS


def named(char: str) -> str:
    """Return a character's code point and name: U+202E (RIGHT-TO-LEFT OVERRIDE)."""
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" ({name})" if name else "")


def shown(value: object) -> str:
    """Return a value for a sentence: one short line without invisible characters."""
    if isinstance(value, str):
        text = f'"{repr(value[:_SHOWN])[1:-1]}"'
        return text if len(value) <= _SHOWN else f"{text[:-1]}..."
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Python refuses to convert integers of thousands of digits to text.
        return str(value) if value.bit_length() < 128 else "a huge number"  # noqa: PLR2004
    if isinstance(value, float | date):
        return str(value)
    kinds = ((list | tuple, "a list"), (dict, "a table"))
    return next((title for kind, title in kinds if isinstance(value, kind)), "something else")


def _refuse_marks(text: str) -> None:
    row = 0
    for char in text:
        row = row + 1 if unicodedata.combining(char) else 0
        if row > MOST_MARKS:
            msg = f"has more than {MOST_MARKS} combining marks on one character"
            raise ValueError(msg)


def _why(char: str, category: str) -> str:
    if char in "\n\r\t" or category in {"Zl", "Zp"}:
        return "it must be a single line, without tabs"
    if category == "Cs":
        return "half of a surrogate pair is no character"
    kind = "control" if category == "Cc" else "invisible"
    return f"{kind} characters are not allowed"
