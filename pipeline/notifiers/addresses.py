"""Check addresses that notices are sent to: encrypted, and without a password in them."""

from __future__ import annotations

from urllib.parse import urlsplit

from slipway.model.site import is_loopback

__all__ = ["check_address"]


def check_address(url: str, example: str, secret: str) -> str:
    """Return an address that secrets may be sent to.

    Args:
        url: The address.
        example: A good one, for error sentences.
        secret: The key that holds what is secret, for error sentences.

    Raises:
        ValueError: It is none.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not (url.isascii() and url.isprintable() and " " not in url and host):
        msg = f'is no address; write one such as "{example}"'
        raise ValueError(msg)
    if parts.username is not None or parts.password is not None:
        msg = f"holds a user or a password; write what is secret as {secret}"
        raise ValueError(msg)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        msg = "is not https://, so others could read what is sent on its way"
        raise ValueError(msg)
    return url
