"""HTTP clients for sites on this machine."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

#: httpx reads all authorities for each client: 35 ms of a processor, and no site here has TLS.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def open_client(**options: Any) -> httpx.Client:
    """Return a client that knows no proxy and no authority; options are httpx's own."""
    return httpx.Client(trust_env=False, verify=_NO_AUTHORITIES, **options)


def get(url: str, **options: Any) -> httpx.Response:
    """Send one GET request; options are those of a request and `timeout`."""
    with open_client() as client:
        return client.get(url, **options)
