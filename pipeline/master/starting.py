"""Waiting until the master has started."""

from __future__ import annotations

from typing import Any


async def wait_for_start(master: Any) -> None:
    """Wait until a master that is starting, or is being reconfigured, has all its services.

    Args:
        master: The master.
    """
    await master.initLock.acquire()
    # Releasing it begins the next who waits: in a turn of its own, or a hundred projects would
    # stand on one another's stack until it is full.
    master.reactor.callLater(0, master.initLock.release)
