r"""Decode escaped characters and remove terminal control sequences, to find masked secrets.

Programs escape a character as %68 in URLs, &#104; or &#x68; in HTML, \x68, \u0068 or \150 in source
code; colours and NULs between characters are invisible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["as_read", "byte_encodings", "cut_code", "numbered_form", "places_as_read", "signs_in"]

#: Terminal control sequences, such as colours, and the NULs of UTF-16.
_ORDERS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))|\0")
#: The most frequent sequences; this expression is faster.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: With nested escaping, such as JSON in JSON, the sign before a number is repeated.
_NUMBERS = re.compile(
    r"%(?:25){0,3}(?P<percent>[0-9A-Fa-f]{2})"
    r"|&(?:amp;){0,3}\#(?:[xX]0{0,8}(?P<marked>[0-9A-Fa-f]{1,6});?|0{0,8}(?P<decimal>[0-9]{1,7});?)"
    r"|\\{1,8}u(?P<pair>[dD][89ABab][0-9A-Fa-f]{2}\\{1,8}u[dD][C-Fc-f][0-9A-Fa-f]{2})"
    r"|\\{1,8}(?:x(?P<byte>[0-9A-Fa-f]{2})|u(?P<unit>[0-9A-Fa-f]{4})|u\{(?P<point>[0-9A-Fa-f]{1,6})\}"
    r"|U(?P<long>[0-9A-Fa-f]{8})|(?P<octal>[0-3][0-7]{2}))"
)
#: First characters of escapes, and an incomplete escape at the end of a text.
_SIGNS = re.compile(r"[%&\\\x1b\0]")
_CUT = re.compile(
    r"(?:%(?:25){0,3}[0-9A-Fa-f]?|&[amp;]{0,12}(?:\#[xX]?[0-9A-Fa-f]{0,14})?"
    r"|(?<!\x1b)\\{1,8}(?:u001[bB]|x1[bB]|033)(?:\[[0-?]{0,40})?"
    r"|(?<!\x1b)\\{1,8}(?:[xuU]\{?[0-9A-Fa-f]{0,7}|[0-7]{0,2})"
    r"|\x1b(?:\[?[0-?]{0,40}|\][^\x07\x1b]{0,200}\x1b?))\Z"
)
_LONGEST_CUT = 220
_BASES = {"decimal": 10, "octal": 8}
_MOST = 0x10FFFF


def _char(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "pair":
        high, low = (int(half, 16) for half in (found[kind][:4], found[kind][-4:]))
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
    code = int(found[kind], _BASES.get(kind, 16))
    return chr(code) if code <= _MOST else ""


def signs_in(text: str) -> bool:
    """Return whether a text has a character that an escape may begin with."""
    return _SIGNS.search(text) is not None


def cut_code(text: str) -> int:
    """Return the position of an incomplete escape at a text's end; its length if there is none."""
    found = _CUT.search(text, max(0, len(text) - _LONGEST_CUT))
    return found.start() if found else len(text)


def as_read(text: str, ignored: re.Pattern[str]) -> str | None:
    """Return a text decoded; None if it contains no escapes.

    Args:
        text: The text.
        ignored: Escaped characters to omit, such as white space.
    """

    def char(found: re.Match[str]) -> str:
        decoded = _char(found)
        return "" if ignored.match(decoded) else decoded

    read = _without_orders(text)
    if "%" in read or "\\" in read or "&" in read:
        read = _NUMBERS.sub(char, read)
    # Colours may themselves be escaped, or contain NULs.
    read = _without_orders(read)
    return None if read == text else read


def _without_orders(text: str) -> str:
    text = _COLOURS.sub("", text) if "\x1b" in text else text
    return _ORDERS.sub("", text) if "\x1b" in text or "\0" in text else text


def places_as_read(text: str, ignored: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the start and end in the text of each character of `as_read`."""
    places = [(at, at + 1) for at in range(len(text))]
    for pattern in (_COLOURS, _ORDERS, _NUMBERS, _COLOURS, _ORDERS):
        read, kept, after = [], [], 0
        for found in pattern.finditer(text):
            first, last = found.span()
            read.append(text[after:first])
            kept += places[after:first]
            decoded = _char(found) if pattern is _NUMBERS else ""
            if decoded and not ignored.match(decoded):
                read.append(decoded)
                kept.append((places[first][0], places[last - 1][1]))
            after = last
        places = kept + places[after:]
        text = "".join([*read, text[after:]])
    return places


def numbered_form(value: str) -> str:
    """Return the form of a value whose escapes are those of its UTF-8 bytes."""
    return value.encode("utf-8", errors="surrogatepass").decode("latin-1")


def byte_encodings(value: str) -> Iterator[bytes]:
    """Yield a value's bytes in encodings other than UTF-8, if they differ by more than NULs."""
    if value.isascii():
        return
    for name in ("latin-1", "cp1252", "utf-16-le", "utf-16-be"):
        try:
            data = value.encode(name)
        except UnicodeEncodeError:
            continue
        yield data
