"""The certificate of the port that workers connect to: made by the site, or given to it.

Workers pin it: they compare its fingerprint and ask no authority, so it may be self-signed, and no
name in it matters. One file holds the certificate and its private key.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slipway.model.errors import WrongInput
from slipway.model.site import Site
from slipway.secrets.reading import read_private
from slipway.state_folder import Home, make_folder, write_private

__all__ = ["certificate_file", "fingerprint_of", "have_certificate"]

_KEY = "site.worker-certificate"
#: RFC 5280, 4.1.2.5: a certificate that has no well-defined expiration date has this one.
_NEVER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def certificate_file(site: Site, home: Home, folder: Path) -> Path:
    """Return the file with the certificate and its key.

    Args:
        site: The site's model.
        home: Its state folder.
        folder: The folder of its pipeline.toml.
    """
    named = site.site.worker_certificate
    return folder / named if named else home.worker_certificate


def have_certificate(site: Site, home: Home, folder: Path) -> tuple[Path, str]:
    """Return the certificate's file and fingerprint; make it, if none is given and there is none.

    Raises:
        WrongInput: The given file cannot be used.
    """
    file = certificate_file(site, home, folder)
    if site.site.worker_certificate is None and not file.exists():
        make_folder(file.parent)
        write_private(file, _made().rstrip())
    return file, fingerprint_of(file)


def fingerprint_of(file: Path) -> str:
    """Return a certificate's fingerprint, "sha256:" and 64 hexadecimal digits.

    Raises:
        WrongInput: The file cannot be read, others may read it, it lacks the certificate or the
            key, or they do not belong together.
    """
    text = read_private(file, _KEY)
    try:
        certificate = x509.load_pem_x509_certificates(text.encode())[0]
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm):
        msg = (
            f"{_KEY}: {file} must hold a certificate and its private key without a password, as "
            "PEM: cat certificate.pem key.pem"
        )
        raise WrongInput(msg) from None
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        msg = f"{_KEY}: the private key in {file} belongs to another certificate than the first"
        raise WrongInput(msg)
    return f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _made() -> str:
    """Return a new certificate with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Slipway workers")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A worker whose clock is behind may connect: the fingerprint is what counts.
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(_NEVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    private = key.private_bytes(*form, serialization.NoEncryption())
    return (certificate.public_bytes(serialization.Encoding.PEM) + private).decode()
