"""Limit the connections to the web server, in total and by address.

If the limit is reached, a new connection replaces an old one: first the longest idle one that waits
for a request or has sent half of one; then an anonymous event stream. So a thousand idle
connections lock nobody out. Trusted reverse proxies have no limit by address, since all people
share it.
"""

from __future__ import annotations

import resource
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["OF_ALL", "OF_ONE", "Connections"]

#: Maximum of one address and in total; never more than half of the process's file descriptors.
OF_ONE, OF_ALL = 128, 512


class Connections:
    """The open connections by address."""

    def __init__(self, trusts: Callable[[str], bool]) -> None:
        self._trusts = trusts
        self._by_address: dict[str, OrderedDict[Any, None]] = {}
        self._count = 0
        self._most = min(OF_ALL, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)

    def admit(self, channel: Any) -> bool:
        """Register a connection, replacing another if needed; return False if there is no room."""
        address = _of(channel)
        here = self._by_address.get(address, OrderedDict())
        crowded = here if len(here) >= OF_ONE and not self._trusts(address) else None
        if crowded is None and self._count >= self._most:
            crowded = max(self._by_address.values(), key=len)
        if crowded is not None:
            gone = _least_missed(crowded)
            if gone is None:
                return False
            gone.cut()
        self._by_address.setdefault(address, OrderedDict())[channel] = None
        self._count += 1
        return True

    def forget(self, channel: Any) -> None:
        """Unregister a connection. Idempotent."""
        address = _of(channel)
        here = self._by_address.get(address)
        if here is None or channel not in here:
            return
        del here[channel]
        self._count -= 1
        if not here:
            del self._by_address[address]

    def rests(self, channel: Any) -> None:
        """Mark a connection as idle from now on."""
        here = self._by_address.get(_of(channel))
        if here is not None and channel in here:
            here.move_to_end(channel)


def _of(channel: Any) -> str:
    return str(getattr(channel.wire.getPeer(), "host", ""))


def _least_missed(channels: OrderedDict[Any, None]) -> Any:
    idle = next((one for one in channels if not one.working), None)
    return idle or next((one for one in channels if one.yields), None)
