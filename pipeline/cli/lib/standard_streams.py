"""Adapt to any standard streams: any encoding, a closed pipe, closed streams."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["UNREAD", "flushed", "prepare", "silence"]

#: Exit code of a command whose reader has gone, as after `| head`: 128 and SIGPIPE's number.
UNREAD = 141
_ERRORS = "slipway"
#: Replacements of one character each, so that columns stay aligned.
_PLAIN = str.maketrans("✓✗■●○◆▶·…→←↑↓─━│—“”", '+x#*o>>.~><^v--|-""')


def prepare() -> None:
    """Make the standard streams safe to print to.

    A character that the encoding lacks is replaced by a plain one, or by its number. A closed
    stream becomes the null device: otherwise the next opened file would get its number, and its
    output.
    """
    codecs.register_error(_ERRORS, _degrade)
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  for good
        elif isinstance(stream, io.TextIOWrapper) and stream.errors != _ERRORS:
            stream.reconfigure(errors=_ERRORS)
    if isinstance(sys.stdin, io.TextIOWrapper):
        # Input is JSON, which is UTF-8 whatever the terminal's encoding.
        sys.stdin.reconfigure(encoding="utf-8")


@contextmanager
def flushed() -> Iterator[None]:
    """Flush the output before the block ends, so that an error is noticed in time.

    Raises:
        BrokenPipeError: The reader has closed the pipe.
        OSError: The output cannot be written, for example to a full disk.
    """
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()


def silence() -> None:
    """Redirect pending output to the null device: Python flushes again at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(null, stream.fileno())
    os.close(null)


def _degrade(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    with suppress(UnicodeEncodeError):
        return text.encode(error.encoding).decode(error.encoding), error.end
    plain = text.encode(error.encoding, "backslashreplace").decode(error.encoding)
    return plain, error.end
