"""Files that hold a secret of their stage are not left, however it is written or packed there."""

import base64
import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import urllib.parse
import zipfile

import pytest
import zstandard

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import ArtefactLeft
from slipway.scripts.redaction import MaskedReport
from slipway.scripts.secret_scan import SecretSearch

TOKEN = "hunter2&<hunter3>"
DATA = TOKEN.encode()
NOISE = random.Random(1).randbytes(3 << 20)
KEY = "-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz\n-----END KEY-----"


BY_NUMBER = [
    *(TOKEN.encode(name) for name in ("utf-16", "utf-16-le", "utf-16-be")),
    "\n".join([TOKEN[:5], TOKEN[5:]]).encode("utf-16"),
    NOISE + TOKEN.encode("utf-16-le") + NOISE,
    "".join(f"%{byte:02X}" for byte in DATA).encode(),
    "".join(f"%{byte:02x}" for byte in DATA).encode(),
    "".join(f"&#{byte};" for byte in DATA).encode(),
    "".join(f"&#x{byte:x};" for byte in DATA).encode(),
    "".join(f"\\x{byte:02x}" for byte in DATA).encode(),
    "".join(f"\\u{byte:04x}" for byte in DATA).encode(),
    "".join(f"\\{byte:03o}" for byte in DATA).encode(),
    TOKEN.replace("&", "\\u0026").replace("<", "\\u003c").encode(),
    "\x1b[1;31m".join(TOKEN).encode(),
    b"x" * ((1 << 20) - 20) + "".join(f"%{byte:02X}" for byte in DATA).encode(),
    NOISE + "".join(f"\\x{byte:02x}" for byte in DATA).encode() + NOISE,
    gzip.compress("".join(f"&#{byte};" for byte in DATA).encode()),
]


def zipped(data, name="inner/.env"):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("first", b"nothing")
        packed.writestr(name, data)
    return made.getvalue()


def tarred(data):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as packed:
        member = tarfile.TarInfo("x")
        member.size = len(data)
        packed.addfile(member, io.BytesIO(data))
    return made.getvalue()


def leave(recorder, tmp_path, data, role="product", name="app.bin", secret=TOKEN):
    path = tmp_path / name
    path.write_bytes(data)
    MaskedReport(recorder, [secret]).artefact(path, role=role)


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        b"x" + DATA + b"y",
        NOISE + DATA + NOISE,
        b"x" * ((1 << 20) - 5) + DATA,
        b"\n".join(DATA[n : n + 3] for n in range(0, len(DATA), 3)),
        DATA[::-1],
        DATA.hex().encode(),
        base64.b64encode(b"user:" + DATA),
        base64.encodebytes(b"a" * 50 + DATA + b"a" * 100),
        base64.urlsafe_b64encode(b"ab" + DATA),
        urllib.parse.quote(TOKEN, safe="").encode(),
        gzip.compress(b"y" * 500 + DATA),
        bz2.compress(DATA),
        lzma.compress(DATA),
        zstandard.compress(DATA),
        zstandard.compress(b"other") + zstandard.compress(DATA),
        tarred(b"TOKEN=" + DATA),
        *BY_NUMBER,
    ],
    ids=range(17 + len(BY_NUMBER)),
)
@pytest.mark.parametrize("role", ["product", "report"])
def test_it_is_refused(recorder, tmp_path, data, role):
    with pytest.raises(StageFailed) as raised:
        leave(recorder, tmp_path, data, role)
    assert str(raised.value) == (
        'the artefact "app.bin" holds a secret of this stage and is not kept; '
        "have the stage leave the secret out of it"
    )
    assert recorder.events == []


def test_the_member_of_a_zip_is_named(recorder, tmp_path):
    with pytest.raises(StageFailed, match=r'"app\.zip" holds a secret of this stage in "inner/\.e'):
        leave(recorder, tmp_path, zipped(DATA), name="app.zip")
    with pytest.raises(StageFailed, match="holds a secret"):
        leave(recorder, tmp_path, zipped(b"x", TOKEN), name="app.zip")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        NOISE,
        b"hunter2&<hunter",
        b"-----BEGIN KEY-----\n",
        *(zipped(NOISE), gzip.compress(NOISE), zstandard.compress(NOISE), tarred(NOISE)),
        # What is no archive, though it begins like one.
        *(gzip.compress(DATA)[:15], b"BZh9", b"\xfd7zXZ\0x", b"\x28\xb5\x2f\xfdx"),
        *(zipped(DATA)[:60], zipped(b"x")[:-1]),
    ],
    ids=range(14),
)
def test_what_holds_none_is_left(recorder, tmp_path, data):
    leave(recorder, tmp_path, data)
    (left,) = recorder.of(ArtefactLeft)
    assert left.size == len(data)


def test_a_key_is_looked_for_whole(recorder, tmp_path):
    with pytest.raises(StageFailed):
        leave(recorder, tmp_path, f"x = {KEY}".encode(), secret=f"{KEY}\n")
    leave(recorder, tmp_path, b"-----BEGIN KEY-----\nanother\n-----END KEY-----", secret=KEY)


def test_a_short_one_is_looked_for_in_texts_alone(recorder, tmp_path):
    with pytest.raises(StageFailed):
        leave(recorder, tmp_path, b"it is abcd", secret="abcd")
    leave(recorder, tmp_path, b"\0abcd", secret="abcd")
    leave(recorder, tmp_path, b"\0x" + "abcd".encode("utf-16-le"), secret="abcd")
    leave(recorder, tmp_path, b"\0%61%62%63%64", secret="abcd")
    for data in ("abcd".encode("utf-16"), b"%61%62%63%64", b"a\x1b[1mb\x1b[0mcd"):
        with pytest.raises(StageFailed):
            leave(recorder, tmp_path, data, secret="abcd")


@pytest.mark.parametrize("name", ["latin-1", "cp1252", "utf-16", "utf-16-be", "utf-8"])
def test_one_with_other_letters_is_looked_for_in_other_encodings(recorder, tmp_path, name):
    secret = "Grüße-à-hunter2"
    for data in (secret.encode(name), NOISE + secret.encode(name)):
        with pytest.raises(StageFailed):
            leave(recorder, tmp_path, data, secret=secret)
    with pytest.raises(StageFailed):
        leave(recorder, tmp_path, "日本語の秘密です".encode("utf-16"), secret="日本語の秘密です")
    leave(recorder, tmp_path, "Grusse-a-hunter2".encode(name), secret=secret)


def test_no_pipe_is_waited_for(recorder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StageFailed, match="cannot be left"):
        MaskedReport(recorder, [TOKEN]).artefact(tmp_path / "pipe")


def test_a_zip_that_is_locked_is_looked_at_as_it_is():
    data = bytearray(zipped(b"y" * 100))
    # The first bit of a member's flags says so.
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    assert SecretSearch([TOKEN]).place(io.BytesIO(data)) is None
