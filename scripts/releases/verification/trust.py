"""What somebody who verifies a release knows beforehand: keys above all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.scripts.releases.signing.key_ring import KeyRing, read_ring
from slipway.scripts.releases.signing.public_keys import PublicKey, fingerprint, raw_key
from slipway.scripts.releases.strict_json import read_small
from slipway.scripts.releases.verification.policy import Policy

__all__ = ["KnownKeys", "Trust", "known_keys"]

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_PEM = b"-----BEGIN PUBLIC KEY-----"


@dataclass(frozen=True)
class KnownKeys:
    """Keys that are known to be the site's."""

    pins: frozenset[str] = frozenset()
    """Their fingerprints."""
    ends: Mapping[str, datetime] = field(default_factory=dict)
    """When those stop to sign of which that is known."""
    revoked: frozenset[str] = frozenset()
    """Fingerprints of keys by which nothing counts."""
    source: str = ""
    """Where they are known from, for people."""

    def trusted(self, ring: KeyRing) -> dict[str, PublicKey]:
        """Return the keys of a release's keys.json that may be trusted, by their fingerprint.

        Raises:
            WrongInput: The keys say something of each other that cannot be read.
            StageFailed: They say something that is not signed.
        """
        found = ring.trusted(self.pins - self.revoked)
        return {
            name: key.model_copy(
                update={"valid_until": min(key.valid_until, self.ends.get(name, key.valid_until))}
            )
            for name, key in found.items()
            if name not in self.revoked
        }

    def learned(self, ring: KeyRing) -> KnownKeys:
        """Return these keys with those of a newer keys.json that follow from them.

        Raises:
            WrongInput: The keys say something of each other that cannot be read.
            StageFailed: They say something that is not signed.
        """
        found = self.trusted(ring)
        if not found:
            return self
        # Each rotation is signed by both keys: what is not trusted was stolen.
        stolen = frozenset(one.id for one in ring.keys) - found.keys()
        ends = {name: key.valid_until for name, key in found.items()}
        return self | KnownKeys(frozenset(found), ends, stolen)

    def __or__(self, other: KnownKeys) -> KnownKeys:
        """Return the keys that both know."""
        sources = [one for one in (self.source, other.source) if one]
        return KnownKeys(
            self.pins | other.pins,
            {**self.ends, **other.ends},
            self.revoked | other.revoked,
            ", ".join(dict.fromkeys(sources)),
        )


@dataclass(frozen=True)
class Trust:
    """All that is known."""

    keys: KnownKeys = field(default_factory=KnownKeys)
    policy: Policy = field(default_factory=Policy)
    unsigned: bool = False
    """True: a release that nobody signed is accepted, too."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    newest_run: int = 0
    """The run of the newest release that was seen before."""


def known_keys(given: Iterable[str], folder: Path, source: str = "") -> KnownKeys:
    """Return keys that are given as fingerprints or files.

    Args:
        given: A fingerprint; a file with a public key as PEM; or a keys.json, whose current key is
            known then, and what it says of the others.
        folder: Base of relative paths.
        source: Where they are named, for people.

    Raises:
        WrongInput: One is none of these.
    """
    found = KnownKeys()
    for one in given:
        if _FINGERPRINT.fullmatch(one):
            found |= KnownKeys(frozenset({one}), source=source)
        elif one.startswith("sha256:"):
            msg = f'"{one}" is no fingerprint: "sha256:" and 64 digits of 0-9 and a-f'
            raise WrongInput(msg)
        else:
            found |= _of_file(folder / one, source)
    return found


def _of_file(path: Path, source: str) -> KnownKeys:
    data = read_small(path.parent, path.name)
    if data.lstrip().startswith(_PEM):
        try:
            return KnownKeys(frozenset({fingerprint(raw_key(data.decode()))}), source=source)
        except (UnicodeDecodeError, WrongInput) as error:
            msg = f"{path}: {error}"
            raise WrongInput(msg) from None
    ring = read_ring(data, str(path))
    current = ring.current.id
    trusted = ring.trusted({current})
    return KnownKeys(
        frozenset(trusted),
        {name: key.valid_until for name, key in trusted.items()},
        frozenset(one.id for one in ring.keys if one.id not in trusted),
        source,
    )
