"""Password hashing with argon2id; verification in a thread, one at a time."""

from __future__ import annotations

import time

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from twisted.internet import defer, reactor, task, threads

from slipway.model.errors import StageFailed, WrongInput

__all__ = ["LONGEST", "NOBODY", "SHORTEST", "Comparing", "TooBusy", "hash_password", "same"]

#: OWASP's first recommendation of 2024: 19 MiB, two passes, one lane (argon2id of RFC 9106). More
#: memory would exceed what the rest of an idle master uses.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
#: Hash of an unknown password: verifying it for unknown names takes as long as for known ones.
NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$6YHPzCzNSkCXbA3VyCnYMA"
    "$Nf1aMAp0iBhFyr3WDqFZ4WVjCvz5BuAcZcB1n0z2q1s"
)
SHORTEST, LONGEST = 10, 1000
_MOST_WAITING = 20


class TooBusy(StageFailed):
    """Too many people are signing in at once."""


def hash_password(password: str) -> str:
    """Hash a password in the form for pipeline.toml.

    Raises:
        WrongInput: It is too short, too long, or has characters that cannot be typed.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        msg = f"a password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}"
        raise WrongInput(msg)
    if not password.isprintable():
        msg = "the password has characters that cannot be typed, such as a line's end"
        raise WrongInput(msg)
    return _HASHER.hash(password)


class Comparing:
    """Verifies passwords in a thread, one at a time, to bound the memory."""

    def __init__(self) -> None:
        self._one = defer.DeferredLock()
        self._lately = 0.03

    async def same(self, password: str, kept: str | None) -> bool:
        """Return whether a password has this hash; with None it takes as long, and returns False.

        Raises:
            TooBusy: Too many wait already.
        """
        if len(self._one.waiting) >= _MOST_WAITING:
            msg = "too many people sign in at this moment; try again in a few seconds"
            raise TooBusy(msg)
        short = password if len(password) <= LONGEST else ""
        began = time.monotonic()
        found = await self._one.run(threads.deferToThread, same, short, kept or NOBODY)
        self._lately = time.monotonic() - began
        return bool(found) and kept is not None and bool(short)

    async def pretend(self) -> None:
        """Take as long as the last verification, without one."""
        await task.deferLater(reactor, self._lately)


def same(password: str, kept: str) -> bool:
    """Verify a password in this thread; slow by design."""
    try:
        return _HASHER.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False
