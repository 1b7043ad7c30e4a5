"""Names of assets: GitHub stores some files under other names than they have."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.model.errors import StageFailed

__all__ = ["check_names", "folded", "is_kept"]

_KEPT = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")


def is_kept(name: str) -> bool:
    """Return whether GitHub keeps a name as it is.

    Blanks and most signs become dots, several in a row one dot. A plus stays, if it is sent as
    %2B. What becomes of letters that are not ASCII is nowhere said.
    """
    return _KEPT.fullmatch(name) is not None


def folded(name: str) -> str:
    """Return what a name and the name that GitHub makes of it have in common."""
    return _OTHER.sub(".", name).strip(".").lower()


def check_names(names: Iterable[str]) -> None:
    """Refuse names that GitHub could turn into one and the same.

    Raises:
        StageFailed: Two could become one.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(folded(name), name)
        if other != name:
            msg = (
                f'"{other}" and "{name}" could be one file at GitHub, which turns blanks and signs '
                "of names into dots; give one of them another name"
            )
            raise StageFailed(msg)
