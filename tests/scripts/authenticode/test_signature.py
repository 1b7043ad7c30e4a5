"""Binaries and their signatures, as they are and as attackers make them."""

import contextlib
import re
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.scripts.authenticode.der import NotDer, read_der
from slipway.scripts.authenticode.pe import DamagedBinary, read_pe
from slipway.scripts.authenticode.signature import own_signature, read_signature
from tests.support.signing import (
    NEEDS_OSSLSIGNCODE,
    binaries,
    identity,
    program,
    signed_by,
    stranger,
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    return signed_by(stranger(), program(), tmp_path_factory.mktemp("signed"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory, signed):
    """The same, where a failure need not print all of it."""
    return written(tmp_path_factory.mktemp("kept"), signed)


def written(folder, data):
    path = folder / "a.exe"
    path.write_bytes(data)
    return path


@NEEDS_OSSLSIGNCODE
@pytest.mark.parametrize("name", [name for name in binaries() if name.startswith("t")])
def test_the_digest_is_what_others_compute(tmp_path, name):
    data = signed_by(stranger(), binaries()[name], tmp_path)
    binary = read_pe(written(tmp_path, data))
    said = subprocess.run(
        ["osslsigncode", "verify", "-in", "a.exe"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (calculated,) = re.findall(r"Calculated message digest\s*: ([0-9A-F]+)", said)
    assert binary.digest("sha256").hex().upper() == calculated
    unsigned = read_pe(written(tmp_path, binaries()[name]))
    assert not unsigned.is_signed
    assert unsigned.digest("sha256").hex().upper() == calculated
    assert own_signature(unsigned) is None


@NEEDS_OSSLSIGNCODE
def test_a_signature_says_whose_it_is(tmp_path, signed):
    found = own_signature(read_pe(written(tmp_path, signed)))
    assert found.subject == "Somebody Else"
    assert found.thumbprint == stranger().thumbprint
    assert found.timestamp is None


@NEEDS_OSSLSIGNCODE
def test_a_signature_of_another_file_is_none(tmp_path, signed):
    other = bytearray(signed)
    binary = read_pe(written(tmp_path, signed))
    # The same length, another content: as if the signature had been carried over.
    other[0x300:0x310] = bytes(reversed(range(16)))
    assert own_signature(read_pe(written(tmp_path, bytes(other)))) is None
    assert binary.is_signed


@NEEDS_OSSLSIGNCODE
def test_a_signature_that_was_altered_is_none(tmp_path, signed):
    found = read_pe(written(tmp_path, signed)).signatures()[0]
    read_signature(found)
    for place in range(len(found) - 200, len(found) - 8, 16):
        changed = bytearray(found)
        changed[place] ^= 0x55
        with pytest.raises((NotDer, ValueError)):
            read_signature(bytes(changed))


@NEEDS_OSSLSIGNCODE
@given(st.data())
@settings(max_examples=150)
def test_what_is_damaged_raises_nothing_else(tmp_path_factory, kept, data):
    changed = bytearray(kept.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # The headers, or the signature.
        place = data.draw(st.one_of(st.integers(0, 0x200), st.integers(-3000, -1)))
        changed[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed) - 1)) :]
    path = written(tmp_path_factory.getbasetemp(), bytes(changed))
    with contextlib.suppress(DamagedBinary):
        own_signature(read_pe(path))


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (0x3C, b"\xff\xff\xff\x7f", "ends within its headers"),
        (0, b"ZM", "is no Windows binary"),
        ("kind", struct.pack("<H", 0x107), "has impossible headers"),
        ("count", struct.pack("<I", 4), "has no room for a signature"),
        ("security", struct.pack("<II", 8, 1 << 30), "its signature is not at its end"),
    ],
)
def test_headers_that_cannot_be(tmp_path, place, value, why):
    data = bytearray(program())
    (start,) = struct.unpack_from("<I", data, 0x3C)
    header = start + 24
    at = {"kind": header, "count": header + 108, "security": header + 112 + 32}.get(place, place)
    data[at : at + len(value)] = value
    with pytest.raises(DamagedBinary, match=why):
        read_pe(written(tmp_path, bytes(data)))


@given(st.binary(max_size=200))
def test_what_is_no_der_is_told(data):
    try:
        node = read_der(data)
        node.children()
    except NotDer:
        return
    assert data.startswith(node.whole)


def test_der_that_lies_about_its_length():
    for data in (b"\x30\x80\x00\x00", b"\x30\x84\xff\xff\xff\xff", b"\x30", b"", b"\x1f\x81\x01"):
        with pytest.raises(NotDer):
            read_der(data)


def test_the_name_of_a_signer_without_a_common_name():
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    from slipway.scripts.authenticode.signature import short_name

    assert short_name(identity("Shelf").certificate.subject) == "Shelf"
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Shelf Ltd")
    assert short_name(x509.Name([organisation])) == "Shelf Ltd"
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "GB")
    assert short_name(x509.Name([country])) == "C=GB"
