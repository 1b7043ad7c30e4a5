"""Read an Authenticode signature and check it, without asking any authority.

Whether its certificate is to be trusted is not decided here.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from slipway.scripts.authenticode.der import Node, NotDer, read_der
from slipway.scripts.authenticode.pe import Binary, DamagedBinary

__all__ = ["Signature", "own_signature", "read_signature", "short_name"]

_SEQUENCE, _SET, _OCTETS, _TIME = 0x30, 0x31, 0x04, 0x18
_FIRST, _SECOND = 0xA0, 0xA1
#: Its place among the fields of a certificate, without the version.
_ISSUER = 2
_ALGORITHMS: dict[bytes, tuple[str, hashes.HashAlgorithm]] = {
    bytes.fromhex("2b0e03021a"): ("sha1", hashes.SHA1()),  # noqa: S303  of what others signed
    bytes.fromhex("608648016503040201"): ("sha256", hashes.SHA256()),
    bytes.fromhex("608648016503040202"): ("sha384", hashes.SHA384()),
    bytes.fromhex("608648016503040203"): ("sha512", hashes.SHA512()),
}
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
#: SPC_RFC3161_OBJID, 1.3.6.1.4.1.311.3.3.1.
_TIMESTAMP = bytes.fromhex("2b060104018237030301")


class _NotOfThis(NotDer):
    """The signature can be read, and is of other content or by another key."""


@dataclass(frozen=True)
class Signature:
    """What a signature says."""

    algorithm: str
    """Of the file's digest, as hashlib names it."""
    digest: bytes
    """The file's digest, as it was when it was signed."""
    subject: str
    """Who signed, such as "Shelf Ltd"."""
    thumbprint: str
    """The SHA-256 of the signing certificate, in hexadecimal digits."""
    timestamp: datetime | None
    """When an authority says it was signed."""


def own_signature(binary: Binary) -> Signature | None:
    """Return a binary's first signature if it fits the binary's content.

    Returns:
        None: It has none, or the signature was altered or is another file's.

    Raises:
        DamagedBinary: The signature cannot be read.
    """
    try:
        found = binary.signatures()
        signature = read_signature(found[0]) if found else None
    except _NotOfThis:
        return None
    except (NotDer, ValueError):
        msg = "carries a signature that cannot be read"
        raise DamagedBinary(msg) from None
    if signature is None or binary.digest(signature.algorithm) != signature.digest:
        return None
    return signature


def short_name(name: x509.Name) -> str:
    """Return what people call the owner of a certificate: common name, organisation, or all."""
    for kind in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(kind):
            return str(attribute.value)
    return name.rfc4514_string()


def read_signature(data: bytes) -> Signature:
    """Read a signature and verify it with its own certificate's key.

    Args:
        data: PKCS #7 in DER.

    Raises:
        NotDer: It is none, or it was altered.
    """
    signed = read_der(data).child(1, _FIRST).child(0, _SEQUENCE).children()
    try:
        content = signed[2].child(1, _FIRST).child(0, _SEQUENCE)
        certificates = next(one for one in signed[3:] if one.tag == _FIRST)
        signer = signed[-1].child(0, _SEQUENCE)
        described = content.child(1, _SEQUENCE)
        algorithm, _ = _algorithm(described.child(0, _SEQUENCE))
    except (IndexError, StopIteration):
        raise NotDer from None
    certificate = _certificate(certificates, signer.child(1, _SEQUENCE))
    _verify(certificate, signer, content)
    return Signature(
        algorithm,
        described.child(1, _OCTETS).content,
        short_name(certificate.subject),
        certificate.fingerprint(hashes.SHA256()).hex(),
        _timestamp(signer),
    )


def _algorithm(node: Node) -> tuple[str, hashes.HashAlgorithm]:
    found = _ALGORITHMS.get(node.child(0).content)
    if found is None:
        raise NotDer
    return found


def _certificate(certificates: Node, named: Node) -> x509.Certificate:
    """Return the certificate that a signer names by its issuer and serial number."""
    issuer, serial = named.child(0).whole, named.child(1).content
    for one in certificates.children():
        fields = [field for field in one.child(0).children() if field.tag != _FIRST]
        # Serial number, algorithm and issuer; what others signed may hold less.
        if (
            len(fields) > _ISSUER
            and fields[0].content == serial
            and fields[_ISSUER].whole == issuer
        ):
            try:
                return x509.load_der_x509_certificate(one.whole)
            except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
                break
    raise NotDer


def _verify(certificate: x509.Certificate, signer: Node, content: Node) -> None:
    """Verify that the signer signed the content.

    Raises:
        NotDer: It did not.
    """
    name, algorithm = _algorithm(signer.child(2, _SEQUENCE))
    attributes = signer.child(3, _FIRST)
    said = dict(_attributes(attributes)).get(_MESSAGE_DIGEST)
    # Of the value alone: PKCS #7, other than CMS, leaves out tag and length.
    if said is None or said.content != hashlib.new(name, content.content).digest():
        raise _NotOfThis
    data = bytes([_SET]) + attributes.whole[1:]
    signature = signer.child(5, _OCTETS).content
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            raise NotDer
    except InvalidSignature:
        raise _NotOfThis from None
    except (UnsupportedAlgorithm, ValueError):
        raise NotDer from None


def _attributes(node: Node) -> Iterator[tuple[bytes, Node]]:
    """Yield each attribute's object identifier and first value."""
    for one in node.children():
        yield one.child(0).content, one.child(1, _SET).child(0)


def _timestamp(signer: Node) -> datetime | None:
    """Return the time that an authority stamped the signature with; None: it did not."""
    # What others signed may be stamped in ways that are not read here.
    with contextlib.suppress(NotDer, ValueError):
        for one in signer.children():
            if one.tag == _SECOND and (token := dict(_attributes(one)).get(_TIMESTAMP)):
                signed = token.child(1, _FIRST).child(0, _SEQUENCE)
                info = read_der(signed.child(2).child(1, _FIRST).child(0, _OCTETS).content)
                at = info.child(4, _TIME).content.decode("ascii")
                return datetime.strptime(at[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return None
