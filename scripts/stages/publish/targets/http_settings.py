"""Settings that targets with an HTTP API have in common."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from slipway.model.site import is_loopback

__all__ = ["Authorities", "OpenUrl", "SecretName", "Url"]


def _on_the_machine(path: str) -> str:
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute():
        return path
    msg = f'"{path}" is not absolute; it is a file on the machine that publishes'
    raise ValueError(msg)


def _kept_secret(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        msg = f'"{url}" is no address: {error}'
        raise ValueError(msg) from None
    if parts.scheme == "http" and not is_loopback(host):
        msg = f'"{url}" would send the token or password in the clear; write https://'
        raise ValueError(msg)
    return url


#: An address without a password in it, which is asked without credentials.
OpenUrl = Annotated[
    str, Field(pattern=r"^https?://[^\s/@?#\x00-\x1f\x7f]+(/[^\s?#@\x00-\x1f\x7f]*)?$")
]
#: One that gets credentials: nobody on the way may read them.
Url = Annotated[OpenUrl, AfterValidator(_kept_secret)]
#: A secret of the stage, by its name.
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
#: A file of certificates.
Authorities = Annotated[
    str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_on_the_machine)
]
