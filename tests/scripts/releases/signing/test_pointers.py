"""Pointers: simple readers find the version, careful ones believe what is signed alone."""

import json
from datetime import timedelta

import pytest

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.signing.envelopes import seal
from slipway.scripts.releases.signing.key_ring import read_ring
from slipway.scripts.releases.signing.pointers import (
    POINTER,
    open_pointer,
    sign_documents,
    sign_pointer,
)
from tests.support.signed_releases import NOW, new_signer, site_signer


@pytest.fixture(scope="module")
def signer():
    return new_signer()


DOCUMENT = {
    "schema_version": 1,
    "project": "almanac",
    "channel": "beta",
    "version": "1.4.0+7",
    "run": 7,
    "manifest": {"path": "1.4.0+7/release.json", "sha256": "a" * 64},
}


def signed(signer, at=NOW, ends=None, **given):
    return sign_pointer(DOCUMENT | given, signer, at, ends)


def opened(document, signer, now=NOW):
    return open_pointer(json.dumps(document).encode(), (signer.key,), "beta.json", now)


def test_it_is_read_by_everybody(signer):
    document = signed(signer)
    assert {key: document[key] for key in DOCUMENT} == DOCUMENT
    found = opened(document, signer)
    assert (found.version, found.run, found.channel) == ("1.4.0+7", 7, "beta")
    assert (found.manifest.sha256, found.issued_at) == ("a" * 64, NOW)
    # Signed once more, it is signed once.
    assert opened(sign_pointer(document, signer, NOW), signer) == found
    assert opened(signed(signer, version=None, manifest=None), signer).version is None


def test_all_documents_of_a_site_are_signed(signer):
    files = {"index.html": b"<p>", "latest.json": json.dumps(DOCUMENT).encode(), "feed.xml": b"x"}
    made = sign_documents(files, site_signer(signer).ring, signer, NOW)
    assert list(made) == ["keys.json", *files]
    assert read_ring(made["keys.json"], "x").current == signer.key
    assert (made["index.html"], made["feed.xml"]) == (b"<p>", b"x")
    assert opened(json.loads(made["latest.json"]), signer).version == "1.4.0+7"


def test_one_that_is_not_signed_is_none(signer):
    assert opened({"version": "1"}, signer) is None


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda one: one | {"version": "1.3.0+6"}, "version is not what is signed"),
        (lambda one: one | {"more": 1}, "more is not what is signed"),
        (lambda one: one | {"manifest": {"sha256": "b" * 64}}, "manifest is not what"),
        (lambda one: {"signed": one["signed"]}, "channel, issued_at, manifest, project"),
        (lambda one: one | {"signed": 1}, "the whole file"),
        (lambda _: [], "is no object"),
    ],
)
def test_what_stands_beside_the_signature_must_be_the_same(signer, harm, told):
    with pytest.raises(SlipwayError) as caught:
        opened(harm(signed(signer)), signer)
    assert told in str(caught.value)


def test_a_stranger_does_not_point(signer):
    with pytest.raises(SlipwayError, match="not the key of this release"):
        opened(signed(new_signer()), signer)


def test_an_old_one_is_known_as_old(signer):
    document = signed(signer, ends=NOW + timedelta(days=30))
    assert opened(document, signer) is not None
    with pytest.raises(SlipwayError, match="has expired on 2026-12-29"):
        opened(document, signer, NOW + timedelta(days=31))


def test_a_key_that_is_over_does_not_point(signer):
    late = signed(signer, signer.key.valid_until + timedelta(seconds=1))
    with pytest.raises(SlipwayError, match="after its last day"):
        opened(late, signer)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"version": "1", "version": "2"}', "twice in one object"),
        (b'{"version": ".."}', r"beta\.json: "),
        (b"[]", "the whole file"),
    ],
)
def test_what_is_sealed_must_be_a_pointer(signer, payload, told):
    with pytest.raises(SlipwayError, match=told):
        opened({"signed": seal(payload, POINTER, (signer,))}, signer)
