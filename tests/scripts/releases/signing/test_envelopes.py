"""Envelopes: read by another implementation, and refused where they are anything else."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slipway.model.errors import SlipwayError, StageFailed
from slipway.scripts.releases.signing.envelopes import open_envelope, seal, signed_by_all
from slipway.scripts.releases.signing.public_keys import PublicKey, pem_of, raw_key
from slipway.scripts.releases.signing.signers import ReleaseSigner, signing_with
from tests.support.signed_releases import NOW, new_signer

KIND = "application/vnd.test+json"


@pytest.fixture(scope="module")
def signer():
    return new_signer()


def sealed(signer, payload=b'{"a": 1}', kind=KIND):
    return seal(payload, kind, (signer,))


def test_what_is_sealed_is_opened(signer):
    opened = open_envelope(sealed(signer), KIND, (signer.key,), "x.json")
    assert (opened.payload, opened.key) == (b'{"a": 1}', signer.key)


def test_it_is_as_the_specification_says(signer):
    """The pre-authentication encoding, written down by hand, and a verifier that is not ours."""
    content = sealed(signer, b"hello", "http://example.com/HelloWorld")
    pae = b"DSSEv1 29 http://example.com/HelloWorld 5 hello"
    signature = base64.b64decode(content["signatures"][0]["sig"])
    load_pem_public_key(signer.key.pem.encode()).verify(signature, pae)
    assert sorted(content) == ["payload", "payloadType", "signatures"]
    assert content["signatures"][0]["keyid"] == signer.key.id


def change(**changes):
    return lambda content: content | changes


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (change(payload=base64.b64encode(b'{"a": 2}').decode()), "the signature is not that of"),
        (change(payload="*"), "the signature is not that of"),
        (change(payloadType="text/plain"), 'holds "text/plain" instead of'),
        (change(payloadType="text/\x1b[2J"), 'holds "text/'),
        (change(signatures=[]), "has 0 signatures"),
        (lambda one: one | {"signatures": one["signatures"] * 2}, "has 2 signatures"),
        (change(signatures=[{"keyid": "sha256:1", "sig": ""}]), "is signed by sha256:1"),
        (change(signatures=[{"sig": ""}]), "keyid: Field required"),
        (change(more=1), "more: Extra inputs are not permitted"),
        (lambda _one: [], "the whole file"),
        (lambda one: {"payload": one["payload"]}, "payloadType: Field required"),
    ],
)
def test_what_is_not_as_sealed_is_refused(signer, harm, told):
    with pytest.raises(SlipwayError) as caught:
        open_envelope(harm(sealed(signer)), KIND, (signer.key,), "x.json")
    assert str(caught.value).startswith("x.json: ")
    assert told in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_signature_by_somebody_else_in_its_name_is_refused(signer):
    other = new_signer()
    content = sealed(other)
    content["signatures"][0]["keyid"] = signer.key.id
    with pytest.raises(StageFailed, match="is not that of"):
        open_envelope(content, KIND, (signer.key,), "x.json")


def test_both_must_have_signed(signer):
    other = new_signer()
    pair = (signer.key, other.key)
    both = seal(b"1", KIND, (signer, other))
    assert signed_by_all(both, KIND, pair, "x") == b"1"
    for one in range(2):
        lacking = both | {"signatures": [both["signatures"][one]]}
        with pytest.raises(StageFailed, match="must be signed by"):
            signed_by_all(lacking, KIND, pair, "x")
        forged = json.loads(json.dumps(both))
        forged["signatures"][one]["sig"] = base64.b64encode(bytes(64)).decode()
        with pytest.raises(StageFailed, match="is not that of"):
            signed_by_all(forged, KIND, pair, "x")


def test_a_signer_whose_key_is_another_signs_nothing(signer):
    with pytest.raises(StageFailed, match="do not belong together"):
        ReleaseSigner(signer.key, new_signer().make).sign(b"x")
    with pytest.raises(StageFailed, match="nothing was signed"):
        seal(b"x", KIND, (ReleaseSigner(signer.key, lambda _: b"short"),))


def test_keys_are_those_of_openssl(signer):
    raw = raw_key(signer.key.pem)
    assert raw == load_pem_public_key(signer.key.pem.encode()).public_bytes_raw()
    assert pem_of(raw) == signer.key.pem


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        ("", "no public key as PEM"),
        ("-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----", "no public key as PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "another kind"),
        ("-----BEGIN PUBLIC KEY-----", "no public key as PEM"),
    ],
)
def test_other_keys_are_refused(signer, pem, told):
    with pytest.raises(ValueError, match=told):
        PublicKey(id=signer.key.id, pem=pem, valid_from=NOW, valid_until=NOW)


def test_a_key_has_its_own_fingerprint(signer):
    with pytest.raises(ValueError, match="is said to be"):
        PublicKey(id=f"sha256:{'0' * 64}", pem=signer.key.pem, valid_from=NOW, valid_until=NOW)


@pytest.mark.parametrize(
    "pem", ["", "x", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"]
)
def test_what_is_no_private_key_is_told_without_it(pem):
    with pytest.raises(SlipwayError) as caught:
        signing_with(pem, "the file x")
    assert "the file x: is no private Ed25519 key" in str(caught.value)
    assert "AA==" not in str(caught.value)
