"""Sign releases: with a private key, or by whatever else makes signatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.signing.public_keys import PublicKey

__all__ = ["ReleaseSigner", "made_key", "signing_with"]


@dataclass(frozen=True)
class ReleaseSigner:
    """Who signs the releases of a site."""

    key: PublicKey
    make: Callable[[bytes], bytes] = field(repr=False)
    """Return the signature of some bytes."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of some bytes, after checking it.

        Raises:
            StageFailed: It is none by this key.
        """
        made = self.make(data)
        if not self.key.has_signed(data, made):
            msg = (
                f"what should be a signature by {self.key.id} is none; nothing was signed: the "
                "private key and the public one do not belong together"
            )
            raise StageFailed(msg)
        return made


def made_key() -> str:
    """Return a new private key, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.decode()


def signing_with(pem: str, where: str) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the 32 bytes of a private key's public part, and a function that signs.

    Args:
        pem: The private key.
        where: Its place, for the error sentence.

    Raises:
        WrongInput: It is no private Ed25519 key without a password.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    msg = (
        f"{where}: is no private Ed25519 key as PEM without a password; "
        "`slipway key new` makes one, or `openssl genpkey -algorithm ed25519`"
    )
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongInput(msg) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongInput(msg)
    return key.public_key().public_bytes_raw(), key.sign
