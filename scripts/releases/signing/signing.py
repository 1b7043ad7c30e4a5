"""Sign a release: its provenance, its checksums and, last of all, its manifest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from slipway.model.errors import StageFailed
from slipway.scripts.releases.manifest import (
    KEYS,
    MANIFEST,
    PROVENANCE,
    SIGNATURE,
    SUMS,
    Manifest,
    ReleaseFile,
)
from slipway.scripts.releases.provenance.facts import BuildFacts
from slipway.scripts.releases.provenance.statement import ENVELOPE, provenance_of
from slipway.scripts.releases.signing.envelopes import seal
from slipway.scripts.releases.signing.key_ring import KeyRing
from slipway.scripts.releases.signing.pointers import sign_documents
from slipway.scripts.releases.signing.signers import ReleaseSigner

__all__ = ["Signing", "SiteSigner", "SumsSigner", "sign_release"]

_BACK = timedelta(minutes=5)


class SumsSigner(Protocol):
    """Another one who signs SHA256SUMS: OpenPGP, or keyless."""

    def signed(self, sums: Path) -> tuple[str, bytes]:
        """Return the name of a file beside SHA256SUMS, and its content.

        Raises:
            StageFailed: It could not sign.
        """
        ...


@dataclass(frozen=True)
class SiteSigner:
    """All that signs the releases of a site."""

    ring: KeyRing
    """The public keys, which are published."""
    signer: ReleaseSigner
    others: tuple[SumsSigner, ...] = ()


@dataclass(frozen=True)
class Signing:
    """The signing of one release, for whoever makes it."""

    facts: BuildFacts
    """The run, from the ledger."""
    signer: SiteSigner

    def release(self, folder: Path, manifest: Manifest) -> Manifest:
        """Sign a release in its folder, as `sign_release` does."""
        return sign_release(folder, manifest, self.facts, self.signer)

    def site(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files beside releases with latest.json, channels and lists signed."""
        return sign_documents(files, self.signer.ring, self.signer.signer, datetime.now(UTC))


def sign_release(
    folder: Path, manifest: Manifest, facts: BuildFacts, signer: SiteSigner
) -> Manifest:
    """Sign a release in its folder, which nobody else reads yet.

    There must be the artefacts, the pages and SHA256SUMS. What it adds: NAME.intoto.jsonl for each
    artefact, keys.json, SHA256SUMS.sig (and .asc, .sigstore.json), release.json.sig, and as the
    last file release.json, which names them all.

    Args:
        folder: The folder.
        manifest: The manifest, with artefacts and pages.
        facts: The run, from the ledger.
        signer: Who signs.

    Returns:
        The manifest as it is in the folder.

    Raises:
        StageFailed: A name is taken, the key's time is over, or something could not be signed.
    """
    key = signer.signer.key
    _refuse_expired(signer, manifest)
    added: list[ReleaseFile] = []
    for one in manifest.artefacts:
        sealed = seal(provenance_of(one, facts).encode(), ENVELOPE, (signer.signer,))
        added.append(
            _written(folder, f"{one.name}{PROVENANCE}", json.dumps(sealed).encode() + b"\n")
        )
    added.append(_written(folder, KEYS, signer.ring.text().encode()))
    sums = folder / SUMS
    added.append(_written(folder, f"{SUMS}{SIGNATURE}", signer.signer.sign(sums.read_bytes())))
    added += [_written(folder, *other.signed(sums)) for other in signer.others]
    signed = manifest.model_copy(update={"evidence": tuple(added), "key": key.id})
    text = signed.text().encode()
    _written(folder, f"{MANIFEST}{SIGNATURE}", signer.signer.sign(text))
    _written(folder, MANIFEST, text)
    return signed


def _refuse_expired(signer: SiteSigner, manifest: Manifest) -> None:
    key = signer.signer.key
    if signer.ring.current.id != key.id:
        msg = f"{KEYS} says that {signer.ring.current.id} signs, and this is {key.id}"
        raise StageFailed(msg)
    if not key.valid_from - _BACK <= manifest.published_at <= key.valid_until:
        msg = (
            f"the key {key.id} signs from {key.valid_from:%Y-%m-%d} to {key.valid_until:%Y-%m-%d} "
            "alone; run `slipway key rotate`"
        )
        raise StageFailed(msg)


def _written(folder: Path, name: str, data: bytes) -> ReleaseFile:
    try:
        with (folder / name).open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        msg = f'a released file is called "{name}", which the release needs itself; rename it'
        raise StageFailed(msg) from None
    return ReleaseFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
