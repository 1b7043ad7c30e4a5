"""Find a recipient's OpenPGP key: in the site's folder, or at their domain's Web Key Directory."""

from __future__ import annotations

import base64
import hashlib
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx

from slipway.model.notices.sending import Recipient, Refused, Retry
from slipway.notifiers.email.openpgp_settings import MailOpenPgp
from slipway.scripts.terminal_text import plain

__all__ = ["directory_urls", "find_key", "refusal"]

#: Bytes of a key that are read.
_MOST = 1 << 20
_SECONDS = 20.0
_SAID = 200
_ZBASE32 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"ybndrfg8ejkmcpqxot1uwisza345h769")
_UNUSABLE = {"r": "was revoked", "e": "has expired", "d": "is disabled", "i": "is invalid"}


class _Shows(Protocol):
    def show(self, key: Path) -> list[list[str]]:
        """Return the rows that tell of a file's keys."""


def find_key(gpg: _Shows, settings: MailOpenPgp, recipient: Recipient, folder: Path) -> bytes:
    """Return a recipient's key; empty if there is none.

    Raises:
        Retry: The directory of their domain could not be asked: it is not known whether there is.
        Refused: The key in the site's folder cannot be used.
    """
    address = recipient.address.lower()
    if settings.keys is not None:
        for name in (f"{address}.asc", f"{recipient.person}.asc"):
            path = folder / settings.keys / name
            # An address may hold a slash, and a key of the site's is in that folder itself.
            if Path(name).name == name and path.is_file():
                data = path.read_bytes()[:_MOST]
                if why := refusal(gpg, data, ""):
                    msg = f"openpgp: {settings.keys}/{name} {why}"
                    raise Refused(msg)
                return data
    if settings.wkd:
        data = _from_directory(address)
        # Its domain has said so, but of this address alone; what cannot be used is none.
        return b"" if data and refusal(gpg, data, address) else data
    return b""


def refusal(gpg: _Shows, data: bytes, address: str) -> str:
    """Return why a key cannot be encrypted to; empty if it can.

    Args:
        gpg: GnuPG.
        data: The key.
        address: The address that must be one of its names. Empty: any may be.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-gpg-") as name:
        path = Path(name) / "key"
        path.write_bytes(data)
        rows = gpg.show(path)
    keys = [row for row in rows if row[0] == "pub"]
    if len(keys) != 1:
        return "holds no key" if not keys else "holds several keys; write one to each file"
    key, now = keys[0], time.time()
    if key[1] in _UNUSABLE:
        return _UNUSABLE[key[1]]
    if key[6].isdigit() and int(key[6]) < now:
        return _UNUSABLE["e"]
    # Capital letters are those of the whole key with its subkeys that are still good.
    if "E" not in key[11]:
        return "cannot be encrypted to"
    names = [row[9].lower() for row in rows if row[0] == "uid" and row[1] not in _UNUSABLE]
    if address and not any(one == address or f"<{address}>" in one for one in names):
        return f"is not of {address}"
    return ""


def directory_urls(address: str) -> tuple[str, str]:
    """Return where a Web Key Directory has an address's key: the advanced and the direct way.

    Source: draft-koch-openpgp-webkey-service, section 3.1.
    """
    local, _, domain = address.rpartition("@")
    digest = hashlib.sha1(local.lower().encode(), usedforsecurity=False).digest()
    name = base64.b32encode(digest).translate(_ZBASE32).decode()
    asked = f"hu/{name}?l={quote(local, safe='')}"
    at = "/.well-known/openpgpkey/"
    return f"https://openpgpkey.{domain}{at}{domain}/{asked}", f"https://{domain}{at}{asked}"


def _from_directory(address: str) -> bytes:
    """Return what the directory of an address's domain has; empty if it has none.

    The direct way is asked only if there is no host of the advanced one, as the draft says.
    """
    advanced, direct = directory_urls(address)
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        try:
            return _fetched(client, advanced)
        except httpx.ConnectError:
            pass
        except httpx.HTTPError as error:
            raise _away(advanced, error) from None
        try:
            return _fetched(client, direct)
        except httpx.HTTPError as error:
            raise _away(direct, error) from None


def _away(url: str, error: httpx.HTTPError) -> Retry:
    why = plain(str(error) or type(error).__name__)[:_SAID]
    return Retry(f"openpgp: {url.partition('?')[0]} cannot be asked: {why}")


def _fetched(client: httpx.Client, url: str) -> bytes:
    with client.stream("GET", url) as answer:
        if answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            return b""
        if answer.status_code != HTTPStatus.OK:
            msg = f"openpgp: {url.partition('?')[0]} answers {answer.status_code}"
            raise Retry(msg)
        data = b""
        for block in answer.iter_bytes(65_536):
            data += block
            if len(data) > _MOST:
                msg = f"openpgp: {url.partition('?')[0]} sends more than any key has"
                raise Retry(msg)
        return data
