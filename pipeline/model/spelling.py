"""Suggest known words for a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]

#: Comparing takes time proportional to the product of the lengths; longer words are ignored.
_LONGEST = 200


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' if a known word is similar, else an empty text."""
    if len(word) > _LONGEST:
        return ""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""
