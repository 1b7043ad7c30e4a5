"""Authenticate bearer tokens; a flood of unknown tokens costs only look-ups in memory.

Buildbot has no API tokens of its own (https://github.com/buildbot/buildbot/issues/5053).

The hashes of all valid tokens are cached in memory. A missing one may be new, created by `slipway
token create` in another process: the ledger is read again, at most once a second, and once for all
waiting requests. A cached one may be revoked since: it is looked up in the ledger by its index.
Neither takes the ledger's write lock.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet import defer, reactor, task
from twisted.python import log

from slipway.ledger import tokens
from slipway.master.access.rate_limits import Buckets
from slipway.master.ledger_service import find_ledger
from slipway.model.access import Person, Unknown

__all__ = ["Bearers"]

#: Minimum seconds between two reads of the ledger because of unknown tokens.
_PAUSE = 1.0
#: Rate limit of unknown tokens per address: burst, and rate per second.
_AT_ONCE, _A_SECOND = 20, 1 / 3
#: Seconds between two records of a token's last use.
_NOTED = 60.0
_NONE = "the token is not known, revoked or expired; make another: slipway token create"
_TOO_MANY = "too many tokens that are none have come from your address; try again in a few seconds"


class Bearers:
    """Authenticator of bearer tokens."""

    def __init__(self, master: Any) -> None:
        self._master = master
        self._good: frozenset[str] = frozenset()
        self._misses = Buckets(_AT_ONCE, _A_SECOND)
        self._waiting: list[defer.Deferred[None]] = []
        self._reading = False
        self._read_at = float("-inf")
        self._noted: dict[int, float] = {}

    async def holder(self, presented: str, address: str) -> Person:
        """Return a token's person, with the token's roles as an upper limit.

        Args:
            presented: The token itself.
            address: The client's address, for the rate limit.

        Raises:
            Unknown: It is unknown, revoked or expired; too many such tokens have come from the
                address; or the ledger is not open yet.
        """
        try:
            ledger = find_ledger(self._master)
        except KeyError:
            msg = "the master is starting; try again in a few seconds"
            raise Unknown(msg, 503) from None
        digest = tokens.digest(presented)
        if digest not in self._good:
            await self._look_again(digest, address, well_formed=tokens.well_formed(presented))
        found = await ledger.read(tokens.who, digest)
        if found is None:
            raise Unknown(_NONE)
        number, person = found
        self._note(ledger, number)
        return person

    async def _look_again(self, digest: str, address: str, *, well_formed: bool) -> None:
        within = self._misses.take(address)
        if not well_formed:
            raise Unknown(_NONE) if within else Unknown(_TOO_MANY, 429)
        read: defer.Deferred[None] = defer.Deferred()
        self._waiting.append(read)
        if not self._reading:
            self._reading = True
            defer.ensureDeferred(self._read())
        await read
        if digest not in self._good:
            raise Unknown(_NONE) if within else Unknown(_TOO_MANY, 429)

    async def _read(self) -> None:
        """Read the ledger for all waiting requests; later ones wait for the next read."""
        try:
            while self._waiting:
                pause = self._read_at + _PAUSE - time.monotonic()
                if pause > 0:
                    await task.deferLater(reactor, pause)
                waiting, self._waiting = self._waiting, []
                try:
                    ledger = find_ledger(self._master)
                    self._good = await ledger.read(tokens.good)
                except Exception as error:  # noqa: BLE001  logged; the waiting are resumed
                    log.err(error, "while reading the tokens")
                self._read_at = time.monotonic()
                for one in waiting:
                    one.callback(None)
        finally:
            self._reading = False

    def _note(self, ledger: Any, number: int) -> None:
        """Record the use of a token, in the background and at most once a minute."""
        now = time.monotonic()
        if now - self._noted.get(number, float("-inf")) < _NOTED:
            return
        self._noted[number] = now
        noted = defer.ensureDeferred(ledger.call(tokens.note_use, number))
        noted.addErrback(lambda failure: log.err(failure, "while noting that a token was used"))
