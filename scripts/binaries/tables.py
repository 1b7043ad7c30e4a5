"""Read fixed places of a mapped file, which may be damaged or hostile."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Damaged", "Imports", "Table", "read_file"]

#: The longest name of a library; more is damage.
_LONGEST = 512


class Damaged(Exception):
    """A place that the file names is not in it."""


@dataclass(frozen=True)
class Imports:
    """What a binary says of itself and of the libraries it loads."""

    is_windows: bool
    machine: str
    """The processor, such as "x86-64"."""
    needs: tuple[str, ...]
    """Libraries that are loaded with it."""
    delayed: tuple[str, ...] = ()
    """Libraries that are loaded when first used (PE)."""
    soname: str = ""
    """The name it is loaded by (ELF)."""
    search: tuple[str, ...] = ()
    """Its RUNPATH or RPATH, by entry (ELF)."""
    floor: tuple[int, ...] = ()
    """The oldest Windows (PE), or the oldest glibc (ELF), that it runs on."""


class Table:
    """A mapped file."""

    def __init__(self, content: mmap.mmap | bytes) -> None:
        """Wrap the content."""
        self._content = content
        self.size = len(content)

    def unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        """Unpack a structure.

        Raises:
            Damaged: It is not in the file.
        """
        if place < 0 or place + struct.calcsize(layout) > self.size:
            raise Damaged
        return struct.unpack_from(layout, self._content, place)

    def number(self, place: int) -> int:
        """Return a number of 32 bits, its lowest byte first.

        Raises:
            Damaged: It is not in the file.
        """
        if not 0 <= place <= self.size - 4:
            raise Damaged
        return int.from_bytes(self._content[place : place + 4], "little")

    def text(self, place: int) -> str:
        """Return the text that ends with a zero.

        Raises:
            Damaged: It is not in the file, or has no end.
        """
        if not 0 <= place < self.size:
            raise Damaged
        end = self._content.find(b"\0", place, min(place + _LONGEST, self.size))
        if end < 0:
            raise Damaged
        return self._content[place:end].decode("utf-8", errors="replace")


def read_file(file: Path, read: Callable[[Table], Imports]) -> Imports | None:
    """Map a file and read it; None: it cannot be opened, or is damaged.

    Args:
        file: The file.
        read: Reads the tables; raises Damaged.
    """
    try:
        if not file.stat().st_size:
            # It cannot be mapped.
            return None
        with (
            file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return read(Table(content))
    except (Damaged, OSError):
        return None
