"""Public keys of releases: Ed25519, named by their fingerprint, without any other library."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.model.errors import WrongInput

if TYPE_CHECKING:
    # Loaded where it is used: it takes a moment, and most programs sign nothing.
    from securesystemslib.signer import SSlibKey

__all__ = ["Fingerprint", "PublicKey", "fingerprint", "pem_of", "raw_key"]

#: RFC 8410: what comes before the 32 bytes of a key in its DER form.
_PREFIX = bytes.fromhex("302a300506032b6570032100")
_RAW = 32
#: Bytes of a signature.
_SIGNATURE = 64
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"

#: "sha256:" and 64 hexadecimal digits: the SHA-256 of the key's DER form, as OpenSSL writes it.
Fingerprint = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class PublicKey(BaseModel):
    """One public key of a site, and the time in which it signs."""

    # Unknown fields are ignored, so that an older Slipway can verify releases of a newer one.
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Fingerprint
    algorithm: Literal["ed25519"] = "ed25519"
    pem: str = Field(max_length=400)
    """The key as PEM, as `openssl pkey -pubin` reads it."""
    valid_from: AwareDatetime
    valid_until: AwareDatetime

    @model_validator(mode="after")
    def _is_its_own(self) -> Self:
        try:
            raw = raw_key(self.pem)
        except WrongInput as error:
            raise ValueError(str(error)) from None
        if fingerprint(raw) != self.id:
            msg = f"the key is {fingerprint(raw)} and is said to be {self.id}"
            raise ValueError(msg)
        return self

    @classmethod
    def made(cls, raw: bytes, valid_from: datetime, valid_until: datetime) -> Self:
        """Return the public key with these 32 bytes."""
        return cls(
            id=fingerprint(raw),
            pem=pem_of(raw),
            valid_from=valid_from.replace(microsecond=0),
            valid_until=valid_until.replace(microsecond=0),
        )

    @property
    def checker(self) -> SSlibKey:
        """The key for envelopes."""
        from securesystemslib.signer import SSlibKey

        return SSlibKey(self.id, "ed25519", "ed25519", {"public": raw_key(self.pem).hex()})

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether a signature of some bytes is by this key."""
        from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
        from securesystemslib.signer import Signature

        if len(signature) != _SIGNATURE:
            return False
        try:
            self.checker.verify_signature(Signature(self.id, signature.hex()), data)
        except (UnverifiedSignatureError, VerificationError):
            return False
        return True


def pem_of(raw: bytes) -> str:
    """Return the PEM of a public key of 32 bytes."""
    return f"{_BEGIN}\n{base64.b64encode(_PREFIX + raw).decode()}\n{_END}\n"


def raw_key(pem: str) -> bytes:
    """Return the 32 bytes of a public key given as PEM.

    Raises:
        WrongInput: It is something else.
    """
    text = pem.strip()
    try:
        inner = text.removeprefix(_BEGIN).removesuffix(_END)
        data = base64.b64decode("".join(inner.split()), validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if not data or not (text.startswith(_BEGIN) and text.endswith(_END)):
        msg = f"it is no public key as PEM, which begins with {_BEGIN}"
        raise WrongInput(msg)
    if not data.startswith(_PREFIX) or len(data) != len(_PREFIX) + _RAW:
        msg = "it is a key of another kind; Slipway's are Ed25519"
        raise WrongInput(msg)
    return data[len(_PREFIX) :]


def fingerprint(raw: bytes) -> str:
    """Return the fingerprint of a key of 32 bytes."""
    return f"sha256:{hashlib.sha256(_PREFIX + raw).hexdigest()}"
