"""Addresses of clients: one way to write each, so that they can be counted and compared."""

from __future__ import annotations

import ipaddress
import re

_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](:\d+)?|(?P<four>[0-9.]+):\d+")
#: What one customer of a provider has of IPv6.
_ONE_HOUSE = 64


def parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address, whether it came with brackets, a port or as IPv4 within IPv6.

    Returns:
        None where it is none.
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
    """Return what an address counts as: whoever has one of IPv6 has all of its network."""
    address = parse(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _ONE_HOUSE), strict=False))
    return str(address) if address else text[:100]
