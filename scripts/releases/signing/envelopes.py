"""Seal a text in a DSSE envelope, and open one that somebody else may have made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.signing.signers import ReleaseSigner
from slipway.scripts.releases.strict_json import explain
from slipway.scripts.terminal_text import plain

__all__ = ["Opened", "open_envelope", "seal", "signed_by_all"]


class _Signature(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keyid: str = Field(max_length=200)
    sig: str = Field(max_length=200)


class _Sealed(BaseModel):
    """The envelope, as its specification has it and not otherwise."""

    model_config = ConfigDict(extra="forbid")

    payload: str
    payloadType: str = Field(max_length=200)  # noqa: N815  the format's own name
    signatures: list[_Signature]


@dataclass(frozen=True)
class Opened:
    """What an envelope held, and who sealed it."""

    payload: bytes
    key: PublicKey


def seal(payload: bytes, kind: str, signers: Iterable[ReleaseSigner]) -> dict[str, object]:
    """Return an envelope, ready to be written as JSON.

    Args:
        payload: What is signed.
        kind: Its type, which is signed, too.
        signers: Who signs.

    Raises:
        StageFailed: A signer failed.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    envelope = Envelope(payload, kind, {})
    for one in signers:
        signature = one.sign(envelope.pae())
        envelope.signatures[one.key.id] = Signature(one.key.id, signature.hex())
    made: dict[str, object] = json.loads(json.dumps(envelope.to_dict()))
    return made


def open_envelope(content: object, kind: str, keys: Iterable[PublicKey], where: str) -> Opened:
    """Return what an envelope with one signature holds, after checking that signature.

    Args:
        content: The envelope, parsed.
        kind: The type it must have.
        keys: Those that may have signed.
        where: Its place, for error sentences.

    Raises:
        WrongInput: It is no envelope, or one of something else.
        StageFailed: The signature is wrong, or by somebody else.
    """
    sealed = _of_kind(content, kind, where)
    if len(sealed.signatures) != 1:
        msg = f"{where}: has {len(sealed.signatures)} signatures; Slipway's envelopes have one"
        raise StageFailed(msg)
    signer = sealed.signatures[0].keyid
    key = next((one for one in keys if one.id == signer), None)
    if key is None:
        msg = f"{where}: is signed by {plain(signer)}, which is not the key of this release"
        raise StageFailed(msg)
    return Opened(payload=_checked(sealed, [key], where), key=key)


def signed_by_all(content: object, kind: str, keys: Sequence[PublicKey], where: str) -> bytes:
    """Return what an envelope holds that all of some keys have signed, and nobody else.

    Raises:
        WrongInput: It is no envelope, or one of something else.
        StageFailed: A signature is missing, too much, or wrong.
    """
    sealed = _of_kind(content, kind, where)
    if sorted(one.keyid for one in sealed.signatures) != sorted(one.id for one in keys):
        msg = f"{where}: must be signed by {' and '.join(one.id for one in keys)}"
        raise StageFailed(msg)
    return _checked(sealed, keys, where)


def _of_kind(content: object, kind: str, where: str) -> _Sealed:
    sealed = explain(_Sealed, content, where)
    if sealed.payloadType != kind:
        msg = f'{where}: holds "{plain(sealed.payloadType)}" instead of "{kind}"'
        raise WrongInput(msg)
    return sealed


def _checked(sealed: _Sealed, keys: Sequence[PublicKey], where: str) -> bytes:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError

    try:
        envelope = Envelope.from_dict(sealed.model_dump())
        envelope.verify([one.checker for one in keys], len(keys))
    except (UnverifiedSignatureError, VerificationError, ValueError):
        msg = (
            f"{where}: the signature is not that of {keys[-1].id}: the file was altered, or is a "
            "forgery"
        )
        raise StageFailed(msg) from None
    payload: bytes = envelope.payload
    return payload
