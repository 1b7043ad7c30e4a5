"""Normalise client addresses, to count and compare them."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["house", "parse"]

_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>[0-9.]+):\d+")
#: Prefix length of the IPv6 network that a provider assigns to one customer.
_ONE_HOUSE = 64


def parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address with optional brackets and port; unwrap IPv4-mapped IPv6 addresses.

    Returns:
        None if the text is not an address.
    """
    found = _WITH_PORT.fullmatch(text.strip())
    bare = (found["six"] or found["four"]) if found else text.strip()
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def house(text: str) -> str:
    """Return the key to count an address by; for IPv6 it is the customer's network."""
    address = parse(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _ONE_HOUSE), strict=False))
    return str(address) if address else text[:100]
