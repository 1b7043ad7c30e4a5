"""The keys that a site signs releases with, one after the other, and who vouches for whom.

A rotation is signed by both keys. Whoever knows the older one learns the newer by it; whoever knows
the newer one may trust what the older signed before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.model.errors import StageFailed
from slipway.scripts.releases.manifest import KEYS
from slipway.scripts.releases.signing.envelopes import seal, signed_by_all
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.signing.signers import ReleaseSigner
from slipway.scripts.releases.strict_json import explain, parse

__all__ = ["KeyRing", "KeySpan", "Rotation", "read_ring"]

_ROTATION = "application/vnd.slipway.key-rotation+json"
_MOST_KEYS = 1000


class Rotation(BaseModel):
    """What both keys say of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    previous: PublicKey
    next: PublicKey
    at: AwareDatetime
    """From then on the previous key signs nothing."""
    compromised: bool = False
    """True: somebody else may have the previous key, so nothing that it signed counts."""


@dataclass(frozen=True)
class KeySpan:
    """When a key signs."""

    key: PublicKey
    end: datetime
    """Its last day, or its rotation."""
    revoked: bool
    """True: nothing that it signed counts for whoever knows the key that signs now."""


class KeyRing(BaseModel):
    """The content of keys.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = Field(default=1, ge=1)
    site: str = Field(default="", max_length=2000)
    """The site's URL, for people."""
    keys: tuple[PublicKey, ...] = Field(min_length=1, max_length=_MOST_KEYS)
    """The oldest first; the last one signs."""
    rotations: tuple[dict[str, Any], ...] = Field(default=(), max_length=_MOST_KEYS)
    """The signed rotations, as DSSE envelopes: from each key to the one after it."""

    @model_validator(mode="after")
    def _is_a_chain(self) -> Self:
        if len(self.rotations) != len(self.keys) - 1:
            msg = "each key but the first needs one rotation"
            raise ValueError(msg)
        if len({one.id for one in self.keys}) != len(self.keys):
            msg = "it has a key twice"
            raise ValueError(msg)
        return self

    @property
    def current(self) -> PublicKey:
        """The key that signs."""
        return self.keys[-1]

    def named(self, name: str) -> PublicKey:
        """Return a key by its fingerprint.

        Raises:
            StageFailed: It is not among them.
        """
        found = next((one for one in self.keys if one.id == name), None)
        if found is None:
            msg = f"{KEYS}: does not have {name}, which is said to have signed"
            raise StageFailed(msg)
        return found

    def text(self) -> str:
        """Return the ring as JSON text."""
        return self.model_dump_json(indent=2) + "\n"

    def rotated(
        self, old: ReleaseSigner, new: ReleaseSigner, at: datetime, *, compromised: bool
    ) -> Self:
        """Return the ring after a rotation.

        Raises:
            StageFailed: One of both cannot sign.
        """
        said = Rotation(
            previous=old.key, next=new.key, at=at.replace(microsecond=0), compromised=compromised
        )
        sealed = seal(said.model_dump_json().encode(), _ROTATION, (old, new))
        update = {"keys": (*self.keys, new.key), "rotations": (*self.rotations, sealed)}
        return self.model_validate(self.model_dump() | update)

    def trusted(self, pins: Collection[str]) -> dict[str, PublicKey]:
        """Return the keys that somebody may trust who trusts some of them, by their id.

        The time of a key that was rotated ends with its rotation.

        Args:
            pins: The ids of the keys that are known to be the site's.

        Raises:
            WrongInput: A rotation is none.
            StageFailed: A rotation lacks a signature, or is not of these keys.
        """
        rotations = [self._rotation(number) for number in range(len(self.rotations))]
        reach = {place for place, key in enumerate(self.keys) if key.id in pins}
        for place, one in enumerate(rotations):
            # Who has stolen a key could name the next one, so nothing follows from such a rotation.
            if place in reach and not one.compromised:
                reach.add(place + 1)
        for place, one in reversed(list(enumerate(rotations))):
            if place + 1 in reach and not one.compromised:
                reach.add(place)
        found = {}
        for place in sorted(reach):
            key = self.keys[place]
            if place < len(rotations):
                if rotations[place].compromised:
                    continue
                end = min(key.valid_until, rotations[place].at)
                key = key.model_copy(update={"valid_until": end})
            found[key.id] = key
        return found

    def spans(self) -> list[KeySpan]:
        """Return each key with the time in which it signs, the newest first.

        Raises:
            WrongInput: A rotation is none.
            StageFailed: A rotation lacks a signature, or is not of these keys.
        """
        good = self.trusted({self.current.id})
        found = []
        for place, key in enumerate(self.keys):
            end = key.valid_until
            if place < len(self.rotations):
                end = min(end, self._rotation(place).at)
            found.append(KeySpan(key, end, revoked=key.id not in good))
        return found[::-1]

    def _rotation(self, number: int) -> Rotation:
        where = f"{KEYS}: rotation {number + 1}"
        pair = self.keys[number], self.keys[number + 1]
        payload = signed_by_all(self.rotations[number], _ROTATION, pair, where)
        said = explain(Rotation, parse(payload, where), where)
        if (said.previous, said.next) != pair:
            msg = f"{where}: is that of other keys than {pair[0].id} and {pair[1].id}"
            raise StageFailed(msg)
        return said


def read_ring(data: bytes, where: str) -> KeyRing:
    """Read a keys.json.

    Raises:
        WrongInput: It is none.
    """
    return explain(KeyRing, parse(data, where), where)
