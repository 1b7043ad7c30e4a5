"""The connections to the web server: so many, and so many of one address.

Who comes when there is no room is let in, and another goes instead: first one that waits for its
next request or has sent half of one, the longest idle first; then one that follows events without
having signed in. So a thousand connections that do nothing keep nobody out. A reverse proxy of
ours may have as many as there are: its address is everybody's.
"""

from __future__ import annotations

import resource
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

#: Of one address, and of all together; never more than half of the files the process may open.
OF_ONE, OF_ALL = 128, 512


class Connections:
    """What there is of them, by address."""

    def __init__(self, trusts: Callable[[str], bool]) -> None:
        self._trusts = trusts
        self._by_address: dict[str, OrderedDict[Any, None]] = {}
        self._count = 0
        self._most = min(OF_ALL, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)

    def admit(self, channel: Any) -> bool:
        """Count a connection and tell whether there is room for it; another may have to go."""
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
        """Count a connection no more; again changes nothing."""
        address = _of(channel)
        here = self._by_address.get(address)
        if here is None or channel not in here:
            return
        del here[channel]
        self._count -= 1
        if not here:
            del self._by_address[address]

    def rests(self, channel: Any) -> None:
        """Hear that a connection waits for its next request from now on."""
        here = self._by_address.get(_of(channel))
        if here is not None and channel in here:
            here.move_to_end(channel)


def _of(channel: Any) -> str:
    return str(getattr(channel.wire.getPeer(), "host", ""))


def _least_missed(channels: OrderedDict[Any, None]) -> Any:
    idle = next((one for one in channels if not one.working), None)
    return idle or next((one for one in channels if one.yields), None)
