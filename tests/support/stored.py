"""Files in an artefact store, as a stage leaves them there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slipway.artefacts.store import Store


def put(store: Store, data: bytes) -> Path:
    """Write a file into a store; return where it lies."""
    with store.open_incoming() as incoming:
        incoming.write(data)
        return incoming.commit(hashlib.sha256(data).hexdigest(), len(data))
