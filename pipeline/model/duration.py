"""Durations as text: "90s", "15m", "12h", "1h30m", "2d"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = ["Duration", "format_duration", "parse_duration"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(?:\d+[smhd])+")


def parse_duration(value: object) -> int:
    """Parse a duration.

    Args:
        value: A number of seconds, or text such as "12h" or "1h30m" (s, m, h, d).

    Returns:
        Seconds.

    Raises:
        ValueError: The value is no duration, or not more than zero.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and value.isdecimal():
        seconds = int(value)
    elif isinstance(value, str) and _FORM.fullmatch(value.replace(" ", "")):
        parts = re.findall(r"(\d+)([smhd])", value.replace(" ", ""))
        seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    else:
        msg = f'{value!r} is no duration; write seconds, or text such as "90s", "15m", "12h", "2d"'
        raise ValueError(msg)
    if seconds <= 0:
        msg = f"{value!r} must be longer than zero"
        raise ValueError(msg)
    return seconds


def format_duration(seconds: float) -> str:
    """Format seconds briefly: 0.4s, 12s, 3m05s, 2h10m."""
    if seconds < 10:  # noqa: PLR2004  one decimal helps only below ten
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


Duration = Annotated[
    int,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=Annotated[
            int | str,
            Field(examples=["12h"]),
        ],
    ),
]
