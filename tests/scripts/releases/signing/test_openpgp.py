"""OpenPGP signatures of SHA256SUMS, by the real gpg."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.scripts.releases.signing.openpgp import OpenPgpSigner
from tests.support.signed_releases import make, site_signer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gpg") is None, reason="apt-get install gnupg"),
]
PASSPHRASE = "a passphrase of this test"


def gpg(home, *words, given=""):
    argv = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    argv += ["--passphrase-fd", "0", *words]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=True).stdout


def made(home, name, passphrase, expires="0"):
    gpg(home, "--quick-gen-key", name, "ed25519", "sign", expires, given=f"{passphrase}\n")
    rows = gpg(home, "--with-colons", "--list-secret-keys", name).splitlines()
    return next(row.split(":")[9] for row in rows if row.startswith("fpr"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    # A short path: the agent listens on a socket there.
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    try:
        yield {
            "home": home,
            "plain": made(home, "plain@example.org", ""),
            "locked": made(home, "locked@example.org", PASSPHRASE),
            "short": made(home, "short@example.org", "", "2w"),
        }
    finally:
        end = ["gpgconf", "--homedir", str(home), "--kill", "all"]
        subprocess.run(end, check=False, capture_output=True)


@pytest.mark.parametrize(("name", "passphrase"), [("plain", None), ("locked", PASSPHRASE)])
def test_it_signs_beside_the_other(keys, name, passphrase, tmp_path):
    other = OpenPgpSigner(keys[name], keys["home"], passphrase)
    manifest = make(tmp_path / "x", site_signer(others=(other,)))
    assert "SHA256SUMS.asc" in {one.name for one in manifest.evidence}
    files = [str(tmp_path / "x" / one) for one in ("SHA256SUMS.asc", "SHA256SUMS")]
    gpg(keys["home"], "--verify", *files)
    (tmp_path / "x" / "SHA256SUMS").write_text("other")
    with pytest.raises(subprocess.CalledProcessError):
        gpg(keys["home"], "--verify", *files)


def test_a_wrong_passphrase_signs_nothing(keys, tmp_path):
    end = ["gpgconf", "--homedir", str(keys["home"]), "--kill", "gpg-agent"]
    subprocess.run(end, check=True, capture_output=True)
    other = OpenPgpSigner(keys["locked"], keys["home"], "wrong-and-secret")
    with pytest.raises(StageFailed) as caught:
        make(tmp_path / "x", site_signer(others=(other,)))
    assert f"openpgp: {keys['locked']} did not sign" in str(caught.value)
    assert "wrong-and-secret" not in str(caught.value)
    assert not (tmp_path / "x" / "release.json").exists()


def test_another_key_is_none(keys, tmp_path):
    other = OpenPgpSigner("A" * 40, keys["home"])
    with pytest.raises(SlipwayError, match="did not sign"):
        make(tmp_path / "x", site_signer(others=(other,)))
    with pytest.raises(WrongInput, match="there is no secret key"):
        other.check()


def test_its_time_is_known(keys):
    assert OpenPgpSigner(keys["plain"], keys["home"]).check() is None
    ends = OpenPgpSigner(keys["short"], keys["home"]).check()
    assert 10 < (ends - datetime.now(UTC)).days < 15


def test_a_program_that_lies_is_found(keys, tmp_path):
    """It leaves a signature of another key's, and says that all is well."""
    program = tmp_path / "gpg"
    words = f'exec gpg --homedir "{keys["home"]}" --local-user {keys["short"]}'
    program.write_text(
        '#!/bin/sh\ncase "$*" in *--detach-sign*)\n'
        'for last; do :; done; while [ "$1" != --output ]; do shift; done\n'
        f'{words} --batch --armor --output "$2" --detach-sign "$last";;\n*) exec gpg "$@";; esac\n'
    )
    program.chmod(0o755)
    other = OpenPgpSigner(keys["plain"], keys["home"], program=str(program))
    with pytest.raises(StageFailed, match="is not signed by"):
        make(tmp_path / "x", site_signer(others=(other,)))


def test_without_gnupg_it_is_told(tmp_path):
    other = OpenPgpSigner("A" * 40, tmp_path, program=str(tmp_path / "nowhere"))
    with pytest.raises(MissingTool, match="apt-get install gnupg"):
        other.check()
