"""Read the pointers that a target shows: which of two is newer, and which versions they name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import Enum, auto

from slipway.scripts.releases.outgoing import Pointers

__all__ = ["CHANNELS", "LATEST_POINTER", "MOST", "Order", "compare_latest", "named_version"]

LATEST_POINTER = "latest.json"
#: The folder of the channels' pointers.
CHANNELS = "channels"
#: Largest pointer that is read, in bytes.
MOST = 1_000_000


class Order(Enum):
    """What a target's latest.json is to the one that is to be written."""

    OLDER = auto()
    """Older, not there, or not to be read: it is replaced."""
    SAME = auto()
    NEWER = auto()
    """Signed later: it stays."""


def compare_latest(there: bytes | None, pointers: Pointers) -> Order:
    """Compare a target's latest.json with the one that is to be written.

    Args:
        there: The bytes of the target's. None: there is none.
        pointers: What is to be written; without a latest.json of its own anything is older.
    """
    new = next((file for file in pointers.files if file.name == LATEST_POINTER), None)
    if new is None or there is None:
        return Order.OLDER
    try:
        ours = new.path.read_bytes()
    except OSError:
        # Whoever brings the file tells the error.
        return Order.OLDER
    if ours == there:
        return Order.SAME
    old, own = _issued_at(there), _issued_at(ours)
    return Order.NEWER if old is not None and own is not None and old > own else Order.OLDER


def named_version(data: bytes | None) -> str:
    """Return the version that a pointer names; empty: none, or it is no pointer."""
    version = _document(data or b"").get("version")
    return version if isinstance(version, str) else ""


def _issued_at(data: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(_document(data).get("issued_at")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _document(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
