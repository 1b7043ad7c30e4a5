"""Bandwidths as text: "500 kB/s", "10 MB/s", "1.5 GB/s"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["Bandwidth", "parse_bandwidth"]

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_FORM = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([kmg]?b)/s", re.IGNORECASE)
#: The least, in bytes a second: below it, connections are closed for being idle.
_LEAST = 1000


def parse_bandwidth(value: object) -> int:
    """Parse a bandwidth.

    Args:
        value: Text such as "10 MB/s" (B, kB, MB or GB, a second), or a number of bytes a second.

    Returns:
        Bytes a second.

    Raises:
        ValueError: The value is no bandwidth, or less than 1 kB/s.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        rate = value
    elif isinstance(value, str) and (found := _FORM.fullmatch(value.strip())):
        rate = int(float(found[1]) * _UNITS[found[2].lower()])
    else:
        msg = f'{value!r} is no bandwidth; write text such as "500 kB/s" or "10 MB/s"'
        raise ValueError(msg)
    if rate < _LEAST:
        msg = f"{value!r} is too little: the least is 1 kB/s; MB are megabytes, not megabits"
        raise ValueError(msg)
    return rate


Bandwidth = Annotated[
    int,
    BeforeValidator(
        parse_bandwidth,
        json_schema_input_type=Annotated[int | str, Field(examples=["10 MB/s"])],
    ),
]
