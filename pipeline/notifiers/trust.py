"""Trust servers: by the system's certificate authorities, or by those that a notifier names."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

from slipway.model.notices.sending import Retry

__all__ = ["lacking_authorities", "trust_of"]


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
