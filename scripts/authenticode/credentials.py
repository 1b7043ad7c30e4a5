"""Load a signing certificate, its chain and its private key, and check them."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from slipway.model.errors import WrongInput
from slipway.scripts.authenticode.signature import short_name

__all__ = ["Credentials", "Material", "load_certificate", "load_credentials"]

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_Loaded = tuple[object, list[x509.Certificate]]
_Chain = tuple[tuple[x509.Certificate, ...], x509.Certificate | None]
_PEM = b"-----BEGIN "
#: A certificate that ends so soon is told.
_SOON = timedelta(days=30)
_MADE_BY = "make the secret from the certificate's own key"


@dataclass(frozen=True)
class Material:
    """Key and certificates in files, for a program that signs."""

    certificates: Path
    """PEM: the signing certificate, and those between it and its root."""
    roots: Path | None
    """PEM: the root of the chain. None: it was not given; the system's have to do."""
    key: Path
    """PEM, encrypted. It is not there where a program of somebody else's has the key."""
    store: Path
    """All of it as PKCS #12, encrypted; the same."""
    password: str = field(repr=False)
    """Made for this one time: without it the files are worth nothing."""


@dataclass(frozen=True)
class Credentials:
    """A signing certificate that may sign, and its key."""

    chain: tuple[x509.Certificate, ...]
    """The signing certificate, and those between it and its root."""
    root: x509.Certificate | None
    key: _Key | None = field(default=None, repr=False)
    """None: a program of somebody else's has it."""

    @property
    def subject(self) -> str:
        """Who signs."""
        return short_name(self.chain[0].subject)

    @property
    def issuer(self) -> str:
        """Who says so."""
        return short_name(self.chain[0].issuer)

    @property
    def thumbprint(self) -> str:
        """The SHA-256 of the signing certificate, in hexadecimal digits."""
        return self.chain[0].fingerprint(hashes.SHA256()).hex()

    @property
    def not_before(self) -> datetime:
        """When the certificate begins to be valid."""
        return self.chain[0].not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """When the certificate expires."""
        return self.chain[0].not_valid_after_utc

    def expires_soon(self, now: datetime) -> bool:
        """Return whether it is time to get another one."""
        return self.not_after - now < _SOON

    def write(self, folder: Path) -> Material:
        """Write key and certificates into a folder that nobody else may enter."""
        pem = serialization.Encoding.PEM
        certificates = b"".join(one.public_bytes(pem) for one in self.chain)
        made = Material(
            _written(folder / "certificates.pem", certificates),
            _written(folder / "root.pem", self.root.public_bytes(pem)) if self.root else None,
            folder / "key.pem",
            folder / "store.p12",
            secrets.token_urlsafe(32),
        )
        if self.key is not None:
            locked = serialization.BestAvailableEncryption(made.password.encode())
            form = serialization.PrivateFormat.PKCS8
            _written(made.key, self.key.private_bytes(pem, form, locked))
            store = pkcs12.serialize_key_and_certificates(
                None, self.key, self.chain[0], self.chain[1:], locked
            )
            _written(made.store, store)
        return made


def _written(path: Path, data: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(data)
    return path


def load_credentials(
    certificate: bytes, where: str, key: str, password: str, now: datetime
) -> Credentials:
    """Load a certificate and its key, and check that they may sign now.

    Args:
        certificate: The certificate and its chain as PEM; or with its key as PKCS #12, or that in
            base64.
        where: Where the certificate is from, for error sentences.
        key: The private key as PEM; empty: it is in the PKCS #12.
        password: Of the key or the PKCS #12; empty: none.
        now: The time to check the certificate's dates by.

    Raises:
        WrongInput: Something of it is wrong; the sentence says what.
    """
    if _PEM in certificate:
        if not key:
            msg = f"{where} holds no private key for signing: give it as the secret SIGNING_KEY"
            raise WrongInput(msg)
        loaded = _load_key(key, password), _load_pem(certificate, where)
    elif key:
        msg = f"{where} is no PEM, and SIGNING_KEY belongs to one; take one of the two out"
        raise WrongInput(msg)
    else:
        loaded = _load_store(certificate, where, password)
    return _matched(*loaded, where, now)


def load_certificate(certificate: bytes, where: str, now: datetime) -> Credentials:
    """Load a certificate whose key somebody else's program has, and check that it may sign now.

    Args:
        certificate: The certificate and its chain as PEM.
        where: Where it is from, for error sentences.
        now: The time to check its dates by.

    Raises:
        WrongInput: Something of it is wrong; the sentence says what.
    """
    found = _load_pem(certificate, where)
    # The one that has issued none of the others.
    own = next(
        (one for one in found if not any(_has_issued(one, other) for other in found)), found[0]
    )
    return Credentials(*_checked(own, found, now))


def _load_pem(certificate: bytes, where: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(certificate)
    except ValueError:
        msg = f'{where} holds no certificate as PEM ("-----BEGIN CERTIFICATE-----")'
        raise WrongInput(msg) from None


def _load_key(key: str, password: str) -> object:
    """Load a private key from PEM.

    Raises:
        WrongInput: It is none, or the password is wrong.
    """
    data = key.encode()
    try:
        try:
            return serialization.load_pem_private_key(data, password.encode() or None)
        except TypeError:
            # A password was given for a key that has none, or none for one that has.
            if not password:
                msg = "the private key has a password: give it as the secret SIGNING_PASSWORD"
                raise WrongInput(msg) from None
            return serialization.load_pem_private_key(data, None)
    except (ValueError, UnsupportedAlgorithm):
        if b"ENCRYPTED" in data and password:
            msg = "SIGNING_PASSWORD is not the password of the private key in SIGNING_KEY"
        else:
            msg = 'SIGNING_KEY holds no private key as PEM ("-----BEGIN PRIVATE KEY-----")'
        raise WrongInput(msg) from None


def _load_store(data: bytes, where: str, password: str) -> _Loaded:
    """Load PKCS #12, or base64 of it.

    Raises:
        WrongInput: It is none, or the password is wrong.
    """
    # DER begins with a sequence, which base64 writes as M.
    if data[:1] == b"M":
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except binascii.Error:
            data = b""
    if data[:1] != b"\x30":
        msg = f"{where} is neither a certificate as PEM nor a PKCS #12 (.p12, .pfx)"
        raise WrongInput(msg)
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        how = "SIGNING_PASSWORD is not its password" if password else "it has a password"
        msg = f"{where} cannot be opened: {how}, or it is damaged"
        raise WrongInput(msg) from None
    if key is None or certificate is None:
        msg = f"{where} holds no private key with its certificate; export both"
        raise WrongInput(msg)
    return key, [certificate, *others]


def _matched(
    key: object, certificates: Sequence[x509.Certificate], where: str, now: datetime
) -> Credentials:
    """Find the certificate of a key, and check that it may sign now.

    Raises:
        WrongInput: There is none, or it may not.
    """
    if not isinstance(key, _Key):
        msg = "the private key is of a kind that Authenticode does not know; RSA and EC will do"
        raise WrongInput(msg)
    public = _public_bytes(key)
    own = next((one for one in certificates if _public_bytes(one) == public), None)
    if own is None:
        names = ", ".join(short_name(one.subject) for one in certificates)
        msg = f"the private key is not that of the certificate in {where} ({names}); {_MADE_BY}"
        raise WrongInput(msg)
    return Credentials(*_checked(own, certificates, now), key)


def _checked(
    own: x509.Certificate, certificates: Sequence[x509.Certificate], now: datetime
) -> _Chain:
    """Return a certificate's chain and root, after checking that it may sign now.

    Raises:
        WrongInput: It may not.
    """
    name = f'the certificate "{short_name(own.subject)}"'
    if now > own.not_valid_after_utc:
        msg = f"{name} expired on {own.not_valid_after_utc:%Y-%m-%d}; get a new one and its key"
        raise WrongInput(msg)
    if now < own.not_valid_before_utc:
        begins = f"{own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        msg = f"{name} is not valid before {begins}; is this machine's clock right?"
        raise WrongInput(msg)
    if not _may_sign_code(own):
        msg = f"{name} is not for signing code: it lacks that purpose (extended key usage)"
        raise WrongInput(msg)
    chain, root = _ordered(own, certificates)
    for one in chain[1:]:
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            other = short_name(one.subject)
            msg = f'{name} was issued by "{other}", whose own certificate is not valid now'
            raise WrongInput(msg)
    return chain, root


def _public_bytes(holder: _Key | x509.Certificate) -> bytes:
    try:
        public = holder.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return b""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.DER, form)


def _may_sign_code(certificate: x509.Certificate) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.CODE_SIGNING in purposes


def _ordered(own: x509.Certificate, certificates: Sequence[x509.Certificate]) -> _Chain:
    """Return the chain from a certificate up, and its root if that is among the others."""
    chain = [own]
    while chain[-1].issuer != chain[-1].subject:
        above = next((one for one in certificates if _has_issued(one, chain[-1])), None)
        if above is None:
            return tuple(chain), None
        if above.issuer == above.subject:
            return tuple(chain), above
        if above in chain:
            break
        chain.append(above)
    return tuple(chain), own


def _has_issued(issuer: x509.Certificate, issued: x509.Certificate) -> bool:
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
