"""Whose certificate Confluence has: foreign, expired or of an authority that was named."""

import ipaddress
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slipway.model.errors import StageFailed, WrongInput
from tests.support.confluence import standin
from tests.support.release_targets import bring
from tests.support.signing import now

from .wikis import place, shown, target

_PEM = serialization.Encoding.PEM


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate of this machine, and its key; it is its own authority."""

    def make(**until):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wiki")])
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - timedelta(days=9))
            .not_valid_after(now() + timedelta(**until))
            .add_extension(here, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        path = tmp_path / "wiki.pem"
        secret = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain)
        path.write_bytes(made.public_bytes(_PEM) + secret)
        return path

    return make


def test_a_foreign_certificate_is_told_and_nothing_is_sent(certificate, tmp_path):
    with standin("data-center", certificate(days=9)) as wiki:
        made = place(wiki, tmp_path)
        with pytest.raises(StageFailed, match="certificate is not one that this machine trusts"):
            bring(made, made.release("1.0.0"))
        assert wiki.requests == []


def test_an_expired_certificate_is_told_also_of_an_authority_that_is_trusted(certificate, tmp_path):
    path = certificate(days=-1)
    with standin("data-center", path) as wiki:
        made = place(wiki, tmp_path, authorities=str(path))
        with pytest.raises(StageFailed, match=r"certificate has expired.*not one that this machin"):
            bring(made, made.release("1.0.0"))
        assert wiki.requests == []


def test_an_authority_that_is_named_is_trusted(certificate, tmp_path):
    path = certificate(days=9)
    with standin("cloud", path) as wiki:
        made = place(wiki, tmp_path, authorities=str(path))
        bring(made, made.release("1.0.0"))
        assert shown(wiki, "almanac 1.0.0")


def test_a_file_of_authorities_that_is_none_is_told(tmp_path):
    with standin("cloud") as wiki:
        for name, match in (("none.pem", "No such file"), ("bad.pem", "cannot be read as PEM")):
            path = tmp_path / name
            if name == "bad.pem":
                path.write_text("no certificate")
            with pytest.raises(WrongInput, match=match):
                target(wiki, tmp_path, "1.0.0", authorities=str(path))
