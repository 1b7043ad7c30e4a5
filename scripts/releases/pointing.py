"""Read the pointers that a target shows: which of two is newer, and which versions they name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import Enum, auto

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.manifest import KEYS
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.releases.signing.key_ring import KeyRing, read_ring
from slipway.scripts.releases.signing.pointers import open_pointer

__all__ = ["CHANNELS", "LATEST_POINTER", "MOST", "Order", "compare_latest", "named_version"]

LATEST_POINTER = "latest.json"
#: The folder of the channels' pointers.
CHANNELS = "channels"
#: Largest pointer that is read, in bytes.
MOST = 1_000_000
#: What has expired meanwhile is in its place in time all the same.
_ANY_TIME = datetime.min.replace(tzinfo=UTC)


class Order(Enum):
    """What a target's latest.json is to the one that is to be written."""

    OLDER = auto()
    """Older, not there, not to be read, or not signed by the site: it is replaced."""
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
    old, own = _issued_at_of(there, _ring_in(pointers)), _issued_at(ours)
    return Order.NEWER if old is not None and own is not None and old > own else Order.OLDER


def named_version(data: bytes | None) -> str:
    """Return the version that a pointer names; empty: none, or it is no pointer."""
    version = _document(data or b"").get("version")
    return version if isinstance(version, str) else ""


def _ring_in(pointers: Pointers) -> KeyRing | None:
    """Return the public keys that are brought with pointers; None: these are not signed."""
    keys = next((file for file in pointers.files if file.name == KEYS), None)
    if keys is None:
        return None
    try:
        return read_ring(keys.path.read_bytes(), KEYS)
    except (OSError, SlipwayError):
        return None


def _issued_at_of(there: bytes, ring: KeyRing | None) -> datetime | None:
    """Return when the site has signed what a target shows.

    None: it did not. Whoever has a stolen key, or may write at the target, could else hold back all
    that is signed from now on, by a pointer with a time that has not come yet.
    """
    if ring is None:
        return _issued_at(there)
    try:
        good = ring.trusted({ring.current.id}).values()
        found = open_pointer(there, good, LATEST_POINTER, _ANY_TIME)
    except SlipwayError:
        return None
    return None if found is None else found.issued_at


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
