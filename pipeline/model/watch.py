"""Watches of a site: when its workers, its disk and its queue are worth a notice."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from slipway.model.base import Part
from slipway.model.duration import Duration

__all__ = ["Watch", "format_bytes", "parse_bytes"]

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_FORM = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([kmgt]?b)", re.IGNORECASE)


def parse_bytes(value: object) -> int:
    """Parse a size.

    Args:
        value: Text such as "5 GB" (B, kB, MB, GB or TB, by thousands), or a number of bytes.

    Returns:
        Bytes.

    Raises:
        ValueError: The value is no size, or not more than zero.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif isinstance(value, str) and (found := _FORM.fullmatch(value.strip())):
        size = int(float(found[1]) * _UNITS[found[2].lower()])
    else:
        msg = f'{value!r} is no size; write text such as "500 MB" or "5 GB"'
        raise ValueError(msg)
    if size <= 0:
        msg = f"{value!r} must be more than zero"
        raise ValueError(msg)
    return size


def format_bytes(size: float) -> str:
    """Format a size briefly, by thousands: 812 B, 4.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  by thousands
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


#: A size in bytes.
_Bytes = Annotated[
    int,
    BeforeValidator(
        parse_bytes,
        json_schema_input_type=Annotated[int | str, Field(examples=["5 GB"])],
    ),
]


class Watch(Part):
    """The bounds from which on people are told that something is wrong with the site itself."""

    worker_missing: Duration = 300
    """A worker that is not connected for so long is missing."""
    disk_low: _Bytes = 2 * 10**9
    """The least free space of the disks of the artefacts and of the site's state."""
    queue_long: int = Field(default=50, ge=1, le=1_000_000)
    """So many stages may wait for a worker."""
    queue_time: Duration = 600
    """Seconds for which more than these wait before anybody is told; a matrix fills the queue for
    a moment."""
