"""Authenticate events, so that the output of a program cannot forge a script's events.

The code is the last key of an event's JSON: a counter and an HMAC of both. Each job has its own
key; the script gets it on standard input and does not pass it on.
"""

from __future__ import annotations

import hmac
import secrets

__all__ = ["CODE_ROOM", "CodeReader", "Coder", "made_key"]

#: Maximum number of bytes that a code adds to an event.
CODE_ROOM = 64
_CODE = ',"code":"'
_HASH = 32


def made_key() -> str:
    """Return a new random key, as text."""
    return secrets.token_hex(32)


#: Bytes to hash at once. For more, `hashlib` releases the GIL, and a master that reads one event
#: after another would then wait 5 ms or more to get it back each time.
_BLOCK = 2_000


class _Hash:
    """HMAC of events with a fixed key; the key schedule is computed once."""

    def __init__(self, key: str) -> None:
        self._begun = hmac.new(key.encode(), digestmod="sha256")

    def __call__(self, number: str, json: str) -> str:
        hashed, data = self._begun.copy(), f"{number}:{json}".encode()
        for at in range(0, len(data), _BLOCK):
            hashed.update(data[at : at + _BLOCK])
        return hashed.hexdigest()[:_HASH]


class Coder:
    """Signer of events."""

    def __init__(self, key: str) -> None:
        self._hash = _Hash(key)
        self._number = 0

    def coded(self, json: str) -> str:
        """Return an event's JSON with the next code added."""
        self._number += 1
        number = str(self._number)
        return f'{json[:-1]}{_CODE}{number}.{self._hash(number, json)}"}}'


class CodeReader:
    """Verifier of events; rejects repeated codes."""

    def __init__(self, key: str) -> None:
        self._hash = _Hash(key)
        self._last = 0

    def plain(self, coded: str) -> str | None:
        """Return an event's JSON without its code; None if it is missing, wrong or repeated."""
        body, mark, code = coded.rpartition(_CODE)
        number, dot, found = code.removesuffix('"}').partition(".")
        if not mark or not dot or not (number.isascii() and number.isdecimal()):
            return None
        json = f"{body}}}"
        try:
            right = hmac.compare_digest(self._hash(number, json), found)
        except (TypeError, UnicodeEncodeError):  # characters that our codes never contain
            return None
        # A counter with a valid HMAC is our own, so int() cannot get a huge number.
        if not right or int(number) <= self._last:
            return None
        self._last = int(number)
        return json
