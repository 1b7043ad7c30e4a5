"""Which characters a person may give, and how what was given is shown in a sentence."""

from __future__ import annotations

import unicodedata
from datetime import date

#: Categories that no text needs: controls, lone surrogates, line and paragraph separators.
_NEVER = {"Cc", "Cs", "Zl", "Zp"}
#: Format characters that scripts and emoji are written with: joiners and direction marks. A text
#: may hold them; a single line, which is compared and copied, may not.
_JOINERS = {"\u00ad", "\u200c", "\u200d", "\u200e", "\u200f"}
#: Letters and marks that show nothing, by Unicode's Default_Ignorable_Code_Point.
_FILLERS = {"\u034f", "\u115f", "\u1160", "\u3164", "\uffa0"}
#: Marks on one character, as in Unicode's stream-safe text (UAX 15): more make normalising slow.
_MARKS = 30
_SHOWN = 60


def clean(text: str, *, lines: bool = False) -> str:
    """Return a text in Unicode's composed form (NFC), its lines ended as on Unix.

    Args:
        text: What was given.
        lines: More than one line, tabs and joiners are allowed.

    Raises:
        ValueError: It holds a character that must not be there; the sentence names it.
    """
    if lines:
        text = text.replace("\r\n", "\n")
    _refuse_marks(text)
    made = unicodedata.normalize("NFC", text)
    _refuse_marks(made)
    for position, char in enumerate(made, 1):
        if lines and (char in "\n\t" or char in _JOINERS):
            continue
        category = unicodedata.category(char)
        if category in _NEVER or category == "Cf" or char in _FILLERS:
            msg = f"holds {named(char)} as character {position}; {_why(char, category)}"
            raise ValueError(msg)
    return made


def named(char: str) -> str:
    """Return a character's code point and name: U+202E (RIGHT-TO-LEFT OVERRIDE)."""
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" ({name})" if name else "")


def shown(value: object) -> str:
    """Return a value as a sentence may show it: one short line, nothing invisible in it."""
    if isinstance(value, str):
        text = f'"{repr(value[:_SHOWN])[1:-1]}"'
        return text if len(value) <= _SHOWN else f"{text[:-1]}..."
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Python refuses to write numbers of thousands of digits.
        return str(value) if value.bit_length() < 128 else "a huge number"  # noqa: PLR2004
    if isinstance(value, float | date):
        return str(value)
    kinds = ((list | tuple, "a list"), (dict, "a table"))
    return next((told for kind, told in kinds if isinstance(value, kind)), "something else")


def _refuse_marks(text: str) -> None:
    row = 0
    for char in text:
        row = row + 1 if unicodedata.combining(char) else 0
        if row > _MARKS:
            msg = f"has more than {_MARKS} combining marks on one character"
            raise ValueError(msg)


def _why(char: str, category: str) -> str:
    if char in "\n\r\t" or category in {"Zl", "Zp"}:
        return "it must be a single line, without tabs"
    if category == "Cs":
        return "half of a surrogate pair is no character"
    kind = "control" if category == "Cc" else "invisible"
    return f"{kind} characters are not allowed"
