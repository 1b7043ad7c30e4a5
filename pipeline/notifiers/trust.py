"""Trust servers: by the system's certificate authorities, or by those that a notifier names."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from slipway.model.notices.sending import Retry
from slipway.scripts.terminal_text import plain

__all__ = ["lacking_authorities", "reach", "trust_of"]


def trust_of(authorities: str | None, folder: Path) -> ssl.SSLContext:
    """Return what verifies a server's certificate and name.

    Args:
        authorities: A PEM file with the authorities to trust. None: those of the system.
        folder: Base of a relative path.

    Raises:
        Retry: The file cannot be used.
    """
    if authorities is None:
        return ssl.create_default_context()
    path = folder / authorities
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        msg = f"authorities: {path} cannot be used: {getattr(error, 'reason', '') or error}"
        raise Retry(msg, channel=True) from None


def lacking_authorities(authorities: str | None, folder: Path) -> Iterator[str]:
    """Yield a sentence if the file with the authorities is not there."""
    if authorities is not None and not (folder / authorities).is_file():
        yield f'authorities: there is no file "{authorities}"'


def reach(host: str, port: int, trust: ssl.SSLContext | None, seconds: float) -> None:
    """Connect to a server and verify its certificate; say nothing to it.

    Args:
        host: The server.
        port: Its port.
        trust: What verifies its certificate. None: the connection is not encrypted.
        seconds: How long it may take.

    Raises:
        Retry: It cannot be reached, or its certificate is not trusted.
    """
    try:
        with socket.create_connection((host, port), seconds) as connection:
            if trust is not None:
                trust.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        msg = f"{host}:{port}: its certificate is not trusted: {plain(error.verify_message)}"
        raise Retry(msg, channel=True) from None
    except OSError as error:
        why = plain(error.strerror or str(error) or type(error).__name__)
        msg = f"{host}:{port} cannot be reached: {why}"
        raise Retry(msg, channel=True) from None
