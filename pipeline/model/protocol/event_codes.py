"""Events with a code: what a stage's own script says, told from what its program prints.

The code is the last key of an event's JSON: a counter and a keyed hash of both. The key is one
job's own; the script gets it on its standard input and tells nobody.
"""

from __future__ import annotations

import hmac
import secrets

#: Bytes that a code adds to an event at most.
CODE_ROOM = 64
_CODE = ',"code":"'
_HASH = 32


def made_key() -> str:
    """Return a new key, as text."""
    return secrets.token_hex(32)


#: Bytes that are hashed at once: of more `hashlib` lets other threads go on meanwhile, and a master
#: that reads one event after the other would wait 5 ms and more for its turn after each.
_BLOCK = 2_000


class _Hash:
    """Makes the keyed hashes of events; what they begin with is worked out once."""

    def __init__(self, key: str) -> None:
        self._begun = hmac.new(key.encode(), digestmod="sha256")

    def __call__(self, number: str, json: str) -> str:
        hashed, data = self._begun.copy(), f"{number}:{json}".encode()
        for at in range(0, len(data), _BLOCK):
            hashed.update(data[at : at + _BLOCK])
        return hashed.hexdigest()[:_HASH]


class Coder:
    """Gives events their codes."""

    def __init__(self, key: str) -> None:
        self._hash = _Hash(key)
        self._number = 0

    def coded(self, json: str) -> str:
        """Return an event's JSON with the next code in it."""
        self._number += 1
        number = str(self._number)
        return f'{json[:-1]}{_CODE}{number}.{self._hash(number, json)}"}}'


class CodeReader:
    """Knows whether an event has the right code; each is good once."""

    def __init__(self, key: str) -> None:
        self._hash = _Hash(key)
        self._last = 0

    def plain(self, coded: str) -> str | None:
        """Return an event's JSON without its code; None: the code is missing, wrong or used."""
        body, mark, code = coded.rpartition(_CODE)
        number, dot, found = code.removesuffix('"}').partition(".")
        if not mark or not dot or not (number.isascii() and number.isdecimal()):
            return None
        json = f"{body}}}"
        try:
            right = hmac.compare_digest(self._hash(number, json), found)
        except (TypeError, UnicodeEncodeError):  # it holds what no code of ours holds
            return None
        # A number of which the hash is right is one of ours, and short.
        if not right or int(number) <= self._last:
            return None
        self._last = int(number)
        return json
