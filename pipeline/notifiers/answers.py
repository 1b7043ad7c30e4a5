"""Read answers of HTTP servers: the beginning alone, as one line, and how long to wait."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from slipway.scripts.terminal_text import plain

__all__ = ["SAID", "beginning", "one_line", "pause_of"]

#: Maximum number of characters of an answer that people are shown.
SAID = 200
#: Longest pause that a server may ask for, in seconds.
_MOST_PAUSE = 86400.0


def beginning(answer: httpx.Response, most: int = 4000, seconds: float = 60.0) -> bytes:
    """Return the beginning of an answer's body; no more of it is read.

    Args:
        answer: The answer, which is being streamed.
        most: Maximum number of bytes.
        seconds: Maximum duration. A server that sends a byte now and then never times out by
            itself.
    """
    data, end = b"", time.monotonic() + seconds
    for block in answer.iter_raw():
        data += block
        if len(data) >= most or time.monotonic() > end:
            break
    return data[:most]


def one_line(data: bytes | str, most: int = SAID) -> str:
    """Return what a server said as one line in which nothing controls a terminal."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return " ".join(plain(text).split())[:most]


def pause_of(text: str) -> float | None:
    """Return the seconds that a `Retry-After` asks for; None if it does not."""
    text = text[:100]
    if text.isascii() and text.isdigit():
        return min(float(text), _MOST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max(aware.timestamp() - time.time(), 0.0), _MOST_PAUSE)
