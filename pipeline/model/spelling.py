"""What a mistyped word was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Comparing costs with the product of the lengths; nobody mistypes a word longer than this.
_LONGEST = 200


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' when something known is close, else nothing."""
    if len(word) > _LONGEST:
        return ""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""
