"""Sign what lies beside the releases and changes: `latest.json`, the pointers of channels, lists.

Simple readers find what they know beside the envelope; `slipway verify` believes the envelope
alone, and wants both to say the same. One file holds both: no reader sees one without the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.manifest import KEYS, FileName, Hash
from slipway.scripts.releases.signing.envelopes import open_envelope, seal
from slipway.scripts.releases.signing.key_ring import KeyRing
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.signing.signers import ReleaseSigner
from slipway.scripts.releases.strict_json import explain, parse

__all__ = [
    "POINTER",
    "PointedManifest",
    "Pointer",
    "open_pointer",
    "sign_documents",
    "sign_pointer",
]

#: The type of what the envelope of a document holds.
POINTER = "application/vnd.slipway.pointer+json"
#: The key of the envelope in the document.
_SIGNED = "signed"


class PointedManifest(BaseModel):
    """The release.json that a pointer leads to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sha256: Hash


class Pointer(BaseModel):
    """What is needed of latest.json, and of a channel's pointer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: FileName
    channel: FileName | None = None
    """None: it points at the newest of all, as latest.json does."""
    version: FileName | None = None
    """None: it points at nothing."""
    run: int = 0
    manifest: PointedManifest | None = None
    issued_at: AwareDatetime
    """When it was signed: of two pointers the later one counts."""
    expires_at: AwareDatetime | None = None
    """Until then it is signed again, so that an old one is known as old. None: never."""


def sign_pointer(
    document: Mapping[str, Any],
    signer: ReleaseSigner,
    issued_at: datetime,
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """Return a document with the time and its signature.

    Args:
        document: What is signed: JSON, such as the content of latest.json.
        signer: Who signs.
        issued_at: The time.
        expires_at: Until then it is signed again. None: it has no end.

    Raises:
        StageFailed: The signer failed.
    """
    times = {"issued_at": _moment(issued_at)}
    times |= {"expires_at": _moment(expires_at)} if expires_at is not None else {}
    plain = {**{key: value for key, value in document.items() if key != _SIGNED}, **times}
    payload = json.dumps(plain, sort_keys=True).encode()
    return {**plain, _SIGNED: seal(payload, POINTER, (signer,))}


def sign_documents(
    files: Mapping[str, bytes],
    ring: KeyRing,
    signer: ReleaseSigner,
    issued_at: datetime,
    expires_at: datetime | None = None,
) -> dict[str, bytes]:
    """Return the files beside releases, in their order, with each JSON document signed.

    The public keys come first: newer ones than in older releases.

    Args:
        files: Their bytes, by path: pages, feeds and JSON documents.
        ring: The public keys.
        signer: Who signs.
        issued_at: The time.
        expires_at: Until then they are signed again. None: they have no end.

    Raises:
        StageFailed: The signer failed.
    """
    signed = {KEYS: ring.text().encode()} | dict(files)
    for path, data in files.items():
        if path.endswith(".json") and path != KEYS:
            document = sign_pointer(json.loads(data), signer, issued_at, expires_at)
            signed[path] = (json.dumps(document, indent=2) + "\n").encode()
    return signed


def open_pointer(
    data: bytes, keys: Iterable[PublicKey], where: str, now: datetime
) -> Pointer | None:
    """Return what a pointer's file says, after checking its signature and its time.

    Args:
        data: The file's content.
        keys: Those that may have signed.
        where: The file's name, for error sentences.
        now: The time.

    Returns:
        The pointer; None: it is not signed.

    Raises:
        WrongInput: It is no pointer.
        StageFailed: It was altered, is signed by somebody else, or has expired.
    """
    content = parse(data, where)
    if not isinstance(content, dict):
        msg = f"{where}: is no object"
        raise WrongInput(msg)
    sealed = content.pop(_SIGNED, None)
    if sealed is None:
        return None
    opened = open_envelope(sealed, POINTER, keys, where)
    signed = parse(opened.payload, where)
    pointer = explain(Pointer, signed, where)
    if signed != content:
        names = sorted(name for name in {*signed, *content} if _differs(name, signed, content))
        msg = f"{where}: {', '.join(names)[:200]} is not what is signed: it was altered"
        raise StageFailed(msg)
    if pointer.issued_at > opened.key.valid_until:
        msg = f"{where}: is signed by {opened.key.id} after its last day"
        raise StageFailed(msg)
    if pointer.expires_at is not None and pointer.expires_at < now:
        msg = (
            f"{where}: has expired on {pointer.expires_at:%Y-%m-%d %H:%M} UTC: it may hide a newer "
            "release; ask the site"
        )
        raise StageFailed(msg)
    return pointer


def _differs(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (name in one, one.get(name)) != (name in other, other.get(name))


def _moment(time: datetime) -> str:
    # To the microsecond: of two that are signed within a second one is the later.
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
