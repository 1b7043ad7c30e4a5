"""The key that signs releases: made once, given in every way, rotated, and wrong in every way."""

import os
import shlex
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from slipway.config import reading
from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.scripts.releases.signing.signers import made_key, signing_with
from slipway.secrets.release_key import (
    check_release_key,
    have_key,
    new_key,
    public_ring,
    rotate_key,
)
from slipway.secrets.release_signer import check_signers, load_signer
from slipway.state_folder import Home
from tests.support.signed_releases import make

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SITE = """
[project.demo]
repository = "code"
stages.tests.uses = "tests"
[workers.local]
[site]
"""


def site(text=""):
    return reading.parse(SITE + text).site


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "state")


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_first_release_makes_it(home, tmp_path):
    assert check_release_key(site(), home, tmp_path, NOW) == ""
    assert not home.release_key.exists()
    ring, signer = have_key(site(), home, tmp_path, NOW)
    assert ring.current == signer.key == public_ring(home).current
    assert signer.key.has_signed(b"x", signer.sign(b"x"))
    assert have_key(site(), home, tmp_path, NOW)[1].key == signer.key
    assert (signer.key.valid_until - NOW).days == 3 * 365
    assert check_release_key(site(), home, tmp_path, NOW) == ""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_may_read_it(home, tmp_path):
    have_key(site(), home, tmp_path, NOW)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.keys, home.release_key)]
    assert modes == [0o700, 0o600]
    home.release_key.chmod(0o640)
    with pytest.raises(WrongInput, match="others may read"):
        have_key(site(), home, tmp_path, NOW)
    assert "others may read" in check_release_key(site(), home, tmp_path, NOW)


def test_two_who_need_it_at_once_make_one(home, tmp_path):
    found = []
    work = [
        threading.Thread(target=lambda: found.append(have_key(site(), home, tmp_path, NOW)[1].key))
        for _ in range(6)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert len(found) == 6
    assert len({one.id for one in found}) == 1


def test_it_is_given_in_each_way(home, tmp_path, monkeypatch):
    pem = made_key()
    write(tmp_path / "my.key", pem)
    monkeypatch.setenv("RELEASE_KEY", pem)
    program = write(tmp_path / "sign.py", SIGNING.format(key=tmp_path / "my.key"))
    write(tmp_path / "my.pub", public_pem(tmp_path / "my.key"))
    cat = [sys.executable, "-c", f"print(open({str(tmp_path / 'my.key')!r}).read())"]
    for text in (
        'release-key = { file = "my.key" }',
        'release-key = { env = "RELEASE_KEY" }',
        f"release-key = {{ command = {cat} }}",
        f"release-key = {{ program = {[sys.executable, str(program)]}, public-key = 'my.pub' }}",
    ):
        assert check_signers(site(text), home, tmp_path, NOW) == ""
        ring, signer = have_key(site(text), home, tmp_path, NOW)
        assert len(ring.keys) == 1
        assert signer.key.has_signed(b"x" * 100_000, signer.sign(b"x" * 100_000))
    assert not home.release_key.exists()
    assert site('release-key = { env = "RELEASE_KEY" }').secret_places[0].env == "RELEASE_KEY"


SIGNING = """
import base64, sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(Path({key!r}).read_bytes(), None)
print(base64.b64encode(key.sign(sys.stdin.buffer.read())).decode())
""".replace("{key!r}", "'{key}'")


def public_pem(path):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(path.read_bytes(), None).public_key()
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form).decode()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("print('x')", "printed no signature of 64 bytes"),
        ("print('A' * 88)", "printed no signature of 64 bytes"),
        ("print('00' * 64)", "do not belong together"),
        ("import sys; sys.exit('SECRET')", "ended with exit code 1"),
        ("import sys; sys.stdout.buffer.write(bytes(99999))", "printed no signature"),
    ],
)
def test_a_program_that_does_not_sign(home, tmp_path, program, told):
    write(tmp_path / "my.key", made_key())
    write(tmp_path / "my.pub", public_pem(tmp_path / "my.key"))
    words = [sys.executable, "-c", program]
    given = site(f"release-key = {{ program = {words}, public-key = 'my.pub' }}")
    _, signer = have_key(given, home, tmp_path, NOW)
    with pytest.raises(StageFailed) as caught:
        signer.sign(b"x" * (1 << 20))
    assert told in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('release-key = { file = "nowhere" }', "cannot be read"),
        ('release-key = { env = "NOT_SET_AT_ALL" }', "is not set"),
        ('release-key = { file = "no.key" }', "is no private Ed25519 key"),
        ('release-key = { file = "rsa.key" }', "is no private Ed25519 key"),
        ('release-key = { program = ["no-such-program"], public-key = "my.pub" }', "is not on"),
        ('release-key = { program = ["sh"], public-key = "nowhere" }', "cannot be read"),
        ('release-key = { program = ["sh"], public-key = "no.key" }', "no public key as PEM"),
    ],
)
def test_a_key_that_cannot_be_used(home, tmp_path, text, told):
    write(tmp_path / "no.key", "SECRET")
    write(tmp_path / "good.key", made_key())
    write(tmp_path / "my.pub", public_pem(tmp_path / "good.key"))
    argv = ["openssl", "genrsa", "-out", str(tmp_path / "rsa.key"), "2048"]
    subprocess.run(argv, check=True, capture_output=True)
    (tmp_path / "rsa.key").chmod(0o600)
    with pytest.raises(SlipwayError) as caught:
        have_key(site(text), home, tmp_path, NOW)
    assert told in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert told in check_release_key(site(text), home, tmp_path, NOW)
    assert public_ring(home) is None


@pytest.mark.parametrize(
    "text",
    [
        "release-key = {}",
        'release-key = { env = "X", file = "y" }',
        'release-key = { program = ["x"] }',
        'release-key = { env = "X", public-key = "y" }',
        'release-key = { program = [""], public-key = "y" }',
        'openpgp = { key = "0xABC" }',
    ],
)
def test_settings_that_mean_nothing(text):
    with pytest.raises(SlipwayError, match=r"release-key|openpgp"):
        site(text)


def test_another_key_than_that_of_the_ring_is_refused(home, tmp_path):
    have_key(site(), home, tmp_path, NOW)
    home.release_key.unlink()
    write(home.release_key, made_key())
    with pytest.raises(WrongInput, match="is not that of sha256:"):
        have_key(site(), home, tmp_path, NOW)
    assert "is not that of sha256:" in check_release_key(site(), home, tmp_path, NOW)


def test_a_ring_that_was_damaged_is_told(home, tmp_path):
    have_key(site(), home, tmp_path, NOW)
    home.public_keys.write_text("{")
    with pytest.raises(WrongInput, match="not readable as JSON"):
        have_key(site(), home, tmp_path, NOW)
    assert "not readable" in check_release_key(site(), home, tmp_path, NOW)


def test_a_private_key_whose_keys_json_is_lost_is_kept(home, tmp_path):
    """A backup that was brought back in part: there is no other copy of the key."""
    first = have_key(site(), home, tmp_path, NOW)[1].key
    before = home.release_key.read_text()
    for again in (
        lambda: have_key(site(), home, tmp_path, NOW)[0],
        lambda: new_key(site(), home, tmp_path, NOW, 100),
    ):
        home.public_keys.unlink()
        assert check_release_key(site(), home, tmp_path, NOW) == ""
        assert again().current.id == first.id
        assert home.release_key.read_text() == before


def test_a_private_key_that_cannot_be_read_is_kept_and_told(home, tmp_path):
    have_key(site(), home, tmp_path, NOW)
    home.public_keys.unlink()
    home.release_key.write_text("SECRET")
    assert "is no private Ed25519 key" in check_release_key(site(), home, tmp_path, NOW)
    with pytest.raises(WrongInput, match="is no private Ed25519 key"):
        have_key(site(), home, tmp_path, NOW)
    assert home.release_key.read_text() == "SECRET"
    assert public_ring(home) is None


def test_a_first_key_that_was_cut_is_made_again(home, tmp_path):
    home.keys.mkdir(parents=True)
    write(home.keys / ".release.key.first", "-----BEGIN")
    have_key(site(), home, tmp_path, NOW)
    names = {path.name for path in home.keys.iterdir()}
    assert names - {".lock"} == {"release.key", "keys.json", "site"}


def test_a_key_that_ends_soon_is_told_before_a_run(home, tmp_path):
    new_key(site(), home, tmp_path, NOW, 60)
    assert check_release_key(site(), home, tmp_path, NOW + timedelta(days=29)) == ""
    soon = check_release_key(site(), home, tmp_path, NOW + timedelta(days=31))
    assert soon.startswith("the key that signs releases ends on 2027-01-28")
    assert "slipway key rotate" in soon
    over = check_release_key(site(), home, tmp_path, NOW + timedelta(days=61))
    assert over.startswith("the key that signs releases ended on 2027-01-28")


def test_a_key_whose_time_is_over_signs_nothing(home, tmp_path):
    new_key(site(), home, tmp_path, NOW - timedelta(days=99), 60)
    signer = load_signer(site(), home, tmp_path, NOW)
    with pytest.raises(StageFailed, match="slipway key rotate"):
        make(tmp_path / "x", signer)
    assert not (tmp_path / "x" / "release.json").exists()


def test_rotation(home, tmp_path):
    first = have_key(site(), home, tmp_path, NOW)[1].key
    with pytest.raises(WrongInput, match="there is a key already"):
        new_key(site(), home, tmp_path, NOW, 10)
    before = home.release_key.read_text()
    ring = rotate_key(site(), home, tmp_path, NOW, 100, compromised=False)
    assert home.release_key.read_text() != before
    assert stat.S_IMODE(home.release_key.stat().st_mode) & 0o077 == 0
    _, signer = have_key(site(), home, tmp_path, NOW)
    assert signer.key == ring.current != first
    assert set(ring.trusted([first.id])) == {first.id, signer.key.id}
    ring = rotate_key(site(), home, tmp_path, NOW, 100, compromised=True)
    assert set(ring.trusted([ring.current.id])) == {ring.current.id}


def test_a_rotation_of_a_given_file(home, tmp_path, monkeypatch):
    write(tmp_path / "my.key", made_key())
    text = 'release-key = { file = "my.key" }'
    with pytest.raises(WrongInput, match="no key yet"):
        rotate_key(site(text), home, tmp_path, NOW, 10, compromised=False)
    have_key(site(text), home, tmp_path, NOW)
    ring = rotate_key(site(text), home, tmp_path, NOW, 10, compromised=False)
    assert have_key(site(text), home, tmp_path, NOW)[1].key == ring.current
    monkeypatch.setenv("RELEASE_KEY", (tmp_path / "my.key").read_text())
    with pytest.raises(WrongInput, match="cannot put another one there"):
        rotate_key(
            site('release-key = { env = "RELEASE_KEY" }'),
            home,
            tmp_path,
            NOW,
            10,
            compromised=False,
        )


def test_a_rotation_killed_in_between_is_finished(home, tmp_path):
    have_key(site(), home, tmp_path, NOW)
    before = home.release_key.read_text()
    ring = rotate_key(site(), home, tmp_path, NOW, 100, compromised=False)
    after = home.release_key.read_text()
    # Killed before the new private key got its name ...
    home.release_key.write_text(before)
    write(home.keys / ".release.key.new", after)
    assert have_key(site(), home, tmp_path, NOW)[1].key == ring.current
    assert home.release_key.read_text() == after
    # ... and killed before the public keys were written: nothing has happened.
    write(home.keys / ".release.key.new", made_key())
    assert have_key(site(), home, tmp_path, NOW)[1].key == ring.current
    rotate_key(site(), home, tmp_path, NOW, 100, compromised=False)


@pytest.mark.parametrize("days", [36_501, 10**12])
def test_a_key_for_ever_is_refused(home, tmp_path, days):
    with pytest.raises(WrongInput, match="at most 36,500 days"):
        new_key(site(), home, tmp_path, NOW, days)
    assert not home.release_key.exists()


def test_keys_of_openssl_are_taken(home, tmp_path):
    argv = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "my.key")]
    subprocess.run(argv, check=True, capture_output=True)
    (tmp_path / "my.key").chmod(0o600)
    raw, _ = signing_with((tmp_path / "my.key").read_text(), "x")
    _, signer = have_key(site('release-key = { file = "my.key" }'), home, tmp_path, NOW)
    digest = f"openssl pkey -in {shlex.quote(str(tmp_path / 'my.key'))} -pubout -outform DER"
    made = subprocess.run(shlex.split(digest), check=True, capture_output=True).stdout
    import hashlib

    assert made.endswith(raw)
    assert signer.key.id == f"sha256:{hashlib.sha256(made).hexdigest()}"


def test_a_missing_program_is_missing(home, tmp_path):
    write(tmp_path / "my.key", made_key())
    write(tmp_path / "my.pub", public_pem(tmp_path / "my.key"))
    text = 'release-key = { program = ["./nowhere"], public-key = "my.pub" }'
    with pytest.raises(MissingTool, match="is not on this machine"):
        have_key(site(text), home, tmp_path, NOW)
