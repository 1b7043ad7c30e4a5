"""Limits for untrusted archives: names, number of entries, size."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.artefact_name import is_device
from slipway.scripts.humanize import size_text

__all__ = [
    "DEEPEST",
    "FREE",
    "LONGEST_NAME",
    "LONGEST_PART",
    "MOST_ENTRIES",
    "MOST_GROWTH",
    "Allowance",
    "name_trouble",
    "shown",
]

#: Bytes of one path component, as file systems allow, and the largest number of components.
LONGEST_PART, DEEPEST = 255, 128
#: Bytes of a whole name or link target: Linux's PATH_MAX, less the target folder.
LONGEST_NAME = 3000
MOST_ENTRIES = 1_000_000
#: Largest expansion factor, and the bytes that any archive may expand to regardless of it.
MOST_GROWTH, FREE = 200, 1 << 30
_SHOWN = 200


def name_trouble(name: str) -> str:
    """Return the reason why no file can have this name; empty if it is valid."""
    try:
        parts = [len(part) for part in name.encode().split(b"/")]
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        return "its name holds a control character"
    if len(parts) > DEEPEST:
        return f"it lies {len(parts)} folders deep, {DEEPEST} are allowed"
    if max(parts) > LONGEST_PART:
        return f"a part of its name has {max(parts)} bytes, {LONGEST_PART} are allowed"
    if sum(parts) + len(parts) > LONGEST_NAME:
        return f"its name has {sum(parts) + len(parts)} bytes, {LONGEST_NAME} are allowed"
    lost = os.name == "nt" and any(_is_lost(part) for part in name.split("/"))
    return "Windows has no such file: it is a device, or ends with a dot or a space" * lost


def _is_lost(part: str) -> bool:
    """Return True if Windows would write to a device, or to a file of another name."""
    return part not in {".", ".."} and (is_device(part) or part.endswith((".", " ")))


def shown(name: str) -> str:
    """Return a name shortened and escaped for an error sentence."""
    cut = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
    return f'"{cut}"' if cut.isprintable() else ascii(cut)


class Allowance:
    """Count the output of one archive, so that a small one cannot fill the disk (zip bomb)."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._packed = archive.stat().st_size
        self._entries = self._bytes = 0

    def take(self, size: int) -> None:
        """Count one more entry.

        Args:
            size: Its unpacked size in bytes.

        Raises:
            StageFailed: The archive exceeds a limit.
        """
        if size < 0:
            msg = f"{self._archive} is refused: an entry of it has {size} bytes"
            raise StageFailed(msg)
        self._entries += 1
        self._bytes += size
        most = FREE + MOST_GROWTH * self._packed
        if self._entries > MOST_ENTRIES:
            msg = f"{self._archive} is refused: it holds more than {MOST_ENTRIES:,} entries"
            raise StageFailed(msg)
        if self._bytes > most:
            msg = (
                f"{self._archive} is refused: {size_text(self._packed)} would become more than "
                f"{size_text(most)}; no archive of files grows like that"
            )
            raise StageFailed(msg)
