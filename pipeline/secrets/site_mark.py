"""Mark a site's state folder as one of this user's on this machine: by it `verify` knows its keys.

A state folder can come with a download, keys and all. The mark is made with a secret that lies
among the user's own settings, so nobody else can write one. It holds for one place and one set of
public keys: a copy elsewhere and what was unpacked over a site have none.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.scripts.atomic_files import write_text
from slipway.scripts.releases.manifest import KEYS
from slipway.scripts.releases.strict_json import read_small
from slipway.state_folder import Home, write_private

__all__ = ["VARIABLE", "is_marked", "mark", "memory_file"]

#: Environment variable with the file of remembered keys; the secret lies beside it.
VARIABLE = "SLIPWAY_KNOWN_KEYS"
_MARK, _SECRET = "site", "own-sites.key"
_BYTES = 32


def memory_file() -> Path:
    """Return the file of remembered keys: $SLIPWAY_KNOWN_KEYS, else in the user's settings."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    if os.name == "nt":
        base = Path(os.environ.get("APPDATA") or Path.home())
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "slipway" / "known-keys.json"


def mark(home: Home) -> bool:
    """Mark a state folder whose site this user runs, if it has public keys.

    Call it when keys are made or a site is started, never because a folder is looked at.

    Returns:
        False: the user's settings cannot be written, or there are no keys. The site works without;
        `verify` alone wants its key to be named then.
    """
    try:
        wanted = _mark_of(home, _secret(make=True))
        write_text(home.keys / _MARK, wanted + "\n")
    except (OSError, RuntimeError, SlipwayError):
        return False
    return True


def is_marked(home: Home) -> bool:
    """Return whether this user has marked a state folder in this place, with these public keys."""
    try:
        wanted = _mark_of(home, _secret(make=False))
        # Whoever made the folder may have put anything there: pipes, devices, terabytes.
        found = read_small(home.keys, _MARK, 4 * _BYTES).strip()
    except (OSError, RuntimeError, SlipwayError):
        return False
    return hmac.compare_digest(found, wanted.encode())


def _mark_of(home: Home, secret: bytes) -> str:
    place = os.path.normcase(os.path.realpath(home.keys))
    digest = hashlib.sha256(read_small(home.keys, KEYS)).hexdigest()
    said = f"slipway site\0{place}\0{digest}"
    return hmac.digest(secret, said.encode("utf-8", "surrogateescape"), "sha256").hex()


def _secret(*, make: bool) -> bytes:
    """Return the user's secret.

    Raises:
        OSError: It cannot be read or made.
        RuntimeError: Nobody knows where the user's settings are.
    """
    file = memory_file().parent / _SECRET
    found = file.read_text("ascii").strip() if file.exists() or not make else ""
    if len(found) != 2 * _BYTES:
        if not make:
            raise OSError
        found = secrets.token_hex(_BYTES)
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{secrets.token_hex(8)}.part")
        write_private(aside, found)
        aside.replace(file)
    return bytes.fromhex(found)
