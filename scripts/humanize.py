"""Format sizes, counts and times for people, and validate file names."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from slipway.model.errors import WrongInput
from slipway.model.protocol.artefact_name import is_device

__all__ = ["count_text", "plain_name", "size_text", "utc"]

_STEP = 1000
_SHORT = 10


def size_text(size: int) -> str:
    """Format a size in bytes as "97 bytes", "812 kB", "2.4 MB" or "57 MB"."""
    if size < _STEP:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007  the unit it ends with is the answer
        amount /= _STEP
        if amount < _STEP - 0.5:
            break
    return f"{amount:.1f} {unit}" if amount < _SHORT - 0.05 else f"{amount:.0f} {unit}"


def count_text(number: int, one: str, many: str | None = None) -> str:
    """Format a count as "1 file" or "412 files"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def utc(seconds: float) -> datetime:
    """Return seconds since 1970 as a date and time in UTC, without fractions."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)


def plain_name(value: str, what: str) -> str:
    """Validate a name that becomes part of a path, and return it.

    Args:
        value: The name.
        what: Its description for the error sentence.

    Raises:
        WrongInput: It is empty, hidden, or could lead to another folder.
    """
    if not value or value.startswith(".") or any(bad in value for bad in "/\\:\0\n\r"):
        msg = (
            f"{what} {value!r} cannot name a file: it must not be empty, begin with a dot "
            "or hold a slash, backslash, colon or line break"
        )
        raise WrongInput(msg)
    if os.name == "nt" and (is_device(value) or value.endswith((".", " "))):
        msg = f"{what} {value!r} cannot name a file on Windows, whose devices are called so"
        raise WrongInput(msg)
    return value
