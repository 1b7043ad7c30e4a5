"""A program of the site's own signs: the key is in a device, which is a file here."""

import os
import shutil
import sys

import pytest

from tests.support.signing import (
    NEEDS_OSSLSIGNCODE,
    authority,
    identity,
    signer,
    stamp_server,
    stranger,
    verify,
)

pytestmark = [
    NEEDS_OSSLSIGNCODE,
    pytest.mark.skipif(os.name == "nt", reason="a shell script is the program"),
]


@pytest.fixture
def device(tmp_path):
    """A device with a key, which opens by a PIN; and the program that speaks to it."""

    def make(who, *more):
        (tmp_path / "device.key").write_text(who.key_pem())
        (tmp_path / "device.pem").write_text(who.pem)
        program = tmp_path / "sign-it"
        program.write_text(
            "#!/bin/sh -e\n"
            'echo "signing with the PIN $TOKEN_PIN"\n'
            '[ "$TOKEN_PIN" = 918273 ] || { echo "wrong PIN" >&2; exit 9; }\n'
            f"{shutil.which('osslsigncode')} sign -certs {tmp_path}/device.pem "
            f"-key {tmp_path}/device.key -h sha256 {' '.join(more)} "
            '-in "$2" -out "$2.new"\n'
            'mv "$2.new" "$2"\n'
        )
        program.chmod(0o755)
        return [str(program), "--in-place", "{file}"]

    return make


def secrets(pin="918273"):
    return {"SIGNING_CERTIFICATE": signer().pem, "TOKEN_PIN": pin}


def test_it_signs_in_place_and_its_secret_is_masked(sign, tree, opened, tmp_path, device):
    done = sign(tree, secrets=secrets(), program=device(signer()))
    assert done.code == 0, done.notices
    verify(opened(done) / "shelf.exe", tmp_path)
    assert done.text == "2 files signed by Shelf Ltd, 1 file signed by others"
    assert "signing with the PIN ****" in done.report.everything
    assert "918273" not in done.report.everything
    assert done.warnings == []


def test_a_timestamp_is_added_where_it_has_got_none(sign, tree, tmp_path, device):
    roots = tmp_path / "roots.pem"
    roots.write_text(authority().pem)
    with stamp_server(tmp_path / "tsa") as server:
        more = {"timestamp": server.url, "timestamp_roots": str(roots)}
        done = sign(tree, secrets=secrets(), program=device(signer()), **more)
        assert done.code == 0, done.notices
        assert len(server.asked) == 2
        own = device(signer(), "-ts", server.url)
        done = sign(tree, secrets=secrets(), program=own, **more)
    assert done.code == 0, done.notices
    assert done.facts["timestamp"]
    assert len(server.asked) == 4


def test_what_it_says_when_it_fails_is_told(sign, tree, device):
    done = sign(tree, secrets=secrets("111111"), program=device(signer()))
    assert done.code == 1
    assert "cannot be signed: sign-it ended with exit code 9" in done.error
    assert "wrong PIN" in done.error
    assert "111111" not in done.error


@pytest.mark.parametrize("words", [["-c", "pass", "{file}"], ["-c", "print('signed')", "{file}"]])
def test_one_that_signs_nothing_is_told(sign, tree, words):
    done = sign(tree, secrets=secrets(), program=[sys.executable, *words])
    assert done.code == 1
    assert "does not carry a signature of this certificate" in done.error


def test_one_that_signs_by_another_certificate_is_told(sign, tree, device):
    done = sign(tree, secrets=secrets(), program=device(stranger()))
    assert done.code == 1
    assert "does not carry a signature of this certificate" in done.error


def test_one_that_is_not_there_is_told(sign, tree, tmp_path):
    done = sign(tree, secrets=secrets(), program=[str(tmp_path / "jsign"), "{file}"])
    assert done.code == 3
    assert "jsign is not on this machine" in done.error


@pytest.mark.parametrize("name", ["sign-it.cmd", "sign-it.BAT"])
def test_a_batch_file_is_refused(sign, tree, tmp_path, name):
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    done = sign(tree, secrets=secrets(), program=[str(program), "{file}"])
    assert done.code == 2
    assert f"{name} is a batch file; write the program that it starts" in done.error
    assert not (tmp_path / "started").exists()


def test_its_certificate_is_checked_before(sign, tree, device):
    who = identity("Shelf", authority(), usage=None)
    told = secrets() | {"SIGNING_CERTIFICATE": who.pem}
    done = sign(tree, secrets=told, program=device(who))
    assert done.code == 2
    assert "is not for signing code" in done.error
