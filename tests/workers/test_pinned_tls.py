"""A worker's TLS: one certificate is accepted, whoever shows another and however it is signed."""

import datetime as dt
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from slipway.workers.pinned_tls import Pinned

NOW = dt.datetime.now(dt.UTC)


class Identity:
    """A certificate with its key, signed by itself or by another."""

    def __init__(self, name, signer=None, days=(-1, 1)):
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.certificate.subject if signer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + dt.timedelta(days=days[0]))
            .not_valid_after(NOW + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign((signer or self).key, hashes.SHA256())
        )

    @property
    def fingerprint(self):
        return f"sha256:{self.certificate.fingerprint(hashes.SHA256()).hex()}"


def shake(server, pinned, chain=()):
    """Have both ends shake hands in memory; return the client's error, or None."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(server.certificate)
    context.use_privatekey(server.key)
    for one in chain:
        context.add_extra_chain_cert(one.certificate)
    there, here = SSL.Connection(context, None), pinned.clientConnectionForTLS(None)
    there.set_accept_state()
    here.set_connect_state()
    for _ in range(10):
        for one, other in ((here, there), (there, here)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                if one is here:
                    return error
            with suppress(SSL.WantReadError):
                while True:
                    other.bio_write(one.bio_read(65536))
    return None


@pytest.fixture
def master():
    return Identity("Slipway workers")


def test_the_known_certificate_is_accepted(master):
    assert shake(master, Pinned(master.fingerprint, "there:9989")) is None


@pytest.mark.parametrize("days", [(-9, -2), (2, 9)])
def test_a_clock_that_is_wrong_does_not_part_them(days):
    old = Identity("Slipway workers", days=days)
    assert shake(old, Pinned(old.fingerprint, "there:9989")) is None


def test_one_that_an_authority_has_signed_is_accepted_by_its_own_fingerprint():
    authority = Identity("Example CA")
    leaf = Identity("releases.example.org", signer=authority)
    assert shake(leaf, Pinned(leaf.fingerprint, "there:9989"), chain=[authority]) is None


def test_another_certificate_is_refused_though_its_names_are_the_same(master):
    other = Identity("Slipway workers")
    assert shake(other, Pinned(master.fingerprint, "there:9989")) is not None


def test_another_one_of_the_same_authority_is_refused():
    authority = Identity("Example CA")
    leaf = Identity("releases.example.org", signer=authority)
    other = Identity("releases.example.org", signer=authority)
    pinned = Pinned(leaf.fingerprint, "there:9989")
    assert shake(other, pinned, chain=[authority]) is not None


def test_the_known_certificate_as_the_signer_of_another_is_refused(master):
    other = Identity("Slipway workers", signer=master)
    pinned = Pinned(master.fingerprint, "there:9989")
    assert shake(other, pinned, chain=[master]) is not None
    assert shake(other, pinned) is not None
