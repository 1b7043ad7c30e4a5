"""What is wrong with a certificate, a key or a file is said in one sentence; nothing is left."""

import base64
import io
import os
import tarfile
from datetime import timedelta

import pytest
import zstandard

from slipway.scripts.authenticode.der import read_der
from slipway.scripts.authenticode.pe import read_pe
from tests.support.signing import (
    NEEDS_OSSLSIGNCODE,
    STAMPS,
    authority,
    identity,
    program,
    signed_by,
    signer,
    stranger,
    verify,
)

from .conftest import given

pytestmark = NEEDS_OSSLSIGNCODE
DAY = timedelta(days=1)


def secrets_of(who, password=""):
    found = {"SIGNING_CERTIFICATE": who.pem, "SIGNING_KEY": who.key_pem(password)}
    return found | ({"SIGNING_PASSWORD": password} if password else {})


def _expired():
    return secrets_of(identity("Shelf", authority(), begins=-9 * DAY, ends=-2 * DAY))


def _not_yet():
    return secrets_of(identity("Shelf", authority(), begins=2 * DAY))


def _issuer_expired():
    between = identity("Between", authority(), usage=None, begins=-9 * DAY, ends=-2 * DAY)
    return secrets_of(identity("Shelf", between))


def _wrong_password():
    return secrets_of(signer(), "correct horse") | {"SIGNING_PASSWORD": "battery staple"}


def _base64(password):
    return {"SIGNING_CERTIFICATE": base64.encodebytes(signer().store(password)).decode()}


CASES = {
    "expired": (_expired, 'the certificate "Shelf" expired on '),
    "not yet valid": (_not_yet, 'the certificate "Shelf" is not valid before '),
    "issuer expired": (_issuer_expired, 'was issued by "Between", whose own certificate is not'),
    "other purpose": (
        lambda: secrets_of(identity("Shelf", authority(), usage=STAMPS)),
        'the certificate "Shelf" is not for signing code',
    ),
    "no purpose": (
        lambda: secrets_of(identity("Shelf", usage=None)),
        'the certificate "Shelf" is not for signing code',
    ),
    "wrong key": (
        lambda: secrets_of(signer()) | {"SIGNING_KEY": stranger().key_pem()},
        "the private key is not that of the certificate in the secret SIGNING_CERTIFICATE (Shelf",
    ),
    "wrong password": (_wrong_password, "SIGNING_PASSWORD is not the password of the private key"),
    "no password": (
        lambda: {
            "SIGNING_CERTIFICATE": signer().pem,
            "SIGNING_KEY": signer().key_pem("correct horse"),
        },
        "the private key has a password: give it as the secret SIGNING_PASSWORD",
    ),
    "no key": (
        lambda: {"SIGNING_CERTIFICATE": signer().pem},
        "holds no private key for signing: give it as the secret SIGNING_KEY",
    ),
    "key is none": (
        lambda: {"SIGNING_CERTIFICATE": signer().pem, "SIGNING_KEY": "my key"},
        "SIGNING_KEY holds no private key as PEM",
    ),
    "certificate is none": (
        lambda: {"SIGNING_CERTIFICATE": "my certificate"},
        "is neither a certificate as PEM nor a PKCS #12",
    ),
    "certificate is damaged": (
        lambda: secrets_of(signer()) | {"SIGNING_CERTIFICATE": signer().pem[:200]},
        "holds no certificate as PEM",
    ),
    "nothing given": (dict, "this run is not given the secret SIGNING_CERTIFICATE"),
    "store, wrong password": (
        lambda: _base64("correct horse") | {"SIGNING_PASSWORD": "battery staple"},
        "cannot be opened: SIGNING_PASSWORD is not its password, or it is damaged",
    ),
    "store, no password": (
        lambda: _base64("correct horse"),
        "cannot be opened: it has a password, or it is damaged",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_certificate_that_cannot_sign_is_told(sign, tree, case):
    make, sentence = CASES[case]
    done = sign(tree, secrets=make())
    assert done.code == 2
    assert sentence in done.error
    assert "\n" not in done.error


def test_a_key_with_a_password_signs(sign, tree):
    assert sign(tree, secrets=secrets_of(signer(), "correct horse")).code == 0


def test_a_password_for_a_key_without_one_is_passed_over(sign, tree):
    secrets = secrets_of(signer()) | {"SIGNING_PASSWORD": "correct horse"}
    assert sign(tree, secrets=secrets).code == 0


def test_a_store_in_base64_signs(sign, tree, opened, tmp_path):
    secrets = _base64("correct horse") | {"SIGNING_PASSWORD": "correct horse"}
    done = sign(tree, secrets=secrets)
    assert done.code == 0, done.notices
    verify(opened(done) / "shelf.exe", tmp_path)


def test_a_certificate_that_ends_soon_is_a_warning(sign, tree):
    soon = identity("Shelf", authority(), ends=20 * DAY)
    done = sign(tree, secrets=secrets_of(soon))
    assert done.code == 0
    end = f"{soon.certificate.not_valid_after_utc:%Y-%m-%d}"
    assert f"the certificate of Shelf ends on {end}; order the next" in done.warnings


def test_a_chain_in_any_order_will_do(sign, tree, opened, tmp_path):
    parts = signer().pem.split("-----END CERTIFICATE-----\n")[:-1]
    mixed = "".join(f"{part}-----END CERTIFICATE-----\n" for part in reversed(parts))
    assert len(parts) == 3
    done = sign(tree, secrets=secrets_of(signer()) | {"SIGNING_CERTIFICATE": mixed})
    assert done.code == 0, done.notices
    verify(opened(done) / "shelf.exe", tmp_path)


def test_a_chain_whose_root_nobody_knows_is_told(sign, tree):
    lonely = "".join(signer().pem.partition("-----END CERTIFICATE-----\n")[:2])
    done = sign(tree, secrets=secrets_of(signer()) | {"SIGNING_CERTIFICATE": lonely})
    assert done.code == 1
    assert "its signature is not valid here; where its root is not known, add it" in done.error


# ---- files on the machine that signs


def test_a_store_on_the_machine_signs(sign, tree, opened, tmp_path):
    store = tmp_path / "shelf.p12"
    store.write_bytes(signer().store("correct horse"))
    store.chmod(0o600)
    password = {"SIGNING_PASSWORD": "correct horse"}
    done = sign(tree, secrets=password, certificate=str(store))
    assert done.code == 0, done.notices
    verify(opened(done) / "shelf.exe", tmp_path)


def test_a_store_that_others_may_read_is_refused(sign, tree, tmp_path):
    store = tmp_path / "shelf.p12"
    store.write_bytes(signer().store("correct horse"))
    store.chmod(0o640)
    password = {"SIGNING_PASSWORD": "correct horse"}
    done = sign(tree, secrets=password, certificate=str(store))
    assert done.code == 2
    assert f"others may read {store} (mode 640)" in done.error
    assert "run chmod 600 on it" in done.error


def test_a_certificate_alone_may_be_read_by_all(sign, tree, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_text(signer().pem)
    chain.chmod(0o644)
    done = sign(tree, secrets={"SIGNING_KEY": signer().key_pem()}, certificate=str(chain))
    assert done.code == 0, done.notices


def test_a_link_to_a_certificate_will_do_and_a_pipe_will_not(sign, tree, tmp_path):
    (tmp_path / "real.pem").write_text(signer().pem)
    (tmp_path / "chain.pem").symlink_to("real.pem")
    key = {"SIGNING_KEY": signer().key_pem()}
    assert sign(tree, secrets=key, certificate=str(tmp_path / "chain.pem")).code == 0
    os.mkfifo(tmp_path / "pipe.pem")
    done = sign(tree, secrets=key, certificate=str(tmp_path / "pipe.pem"))
    assert done.code == 2
    assert "cannot be read on this machine: it is no plain file" in done.error


def test_a_file_that_is_not_there_is_told(sign, tree, tmp_path):
    done = sign(tree, secrets={}, certificate=str(tmp_path / "shelf.p12"))
    assert done.code == 2
    assert (
        f"certificate: {tmp_path}/shelf.p12 cannot be read on this machine: No such" in done.error
    )


def test_roots_that_are_not_there_are_told(sign, tree, tmp_path):
    done = sign(tree, timestamp="http://127.0.0.1:1", timestamp_roots=str(tmp_path / "roots.pem"))
    assert done.code == 2
    assert f"timestamp-roots: {tmp_path}/roots.pem is not on this machine" in done.error


def test_a_machine_without_a_program_that_signs(sign, tree, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = sign(tree)
    assert done.code == 3
    assert "osslsigncode is not on this machine; install it (apt-get install" in done.error


# ---- what is to be signed


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("lib/a.dll", program()[:5000], "it is cut short: a section of it lies behind its end"),
        ("lib/a.dll", program()[:70], "it ends within its headers"),
        ("lib/a.dll", b"", "it ends within its headers"),
        ("a.exe", b"MZ" + bytes(500), "it is no Windows binary"),
        ("a.pyd", b"\x7fELF" + bytes(500), "it is no Windows binary"),
    ],
    ids=["cut short", "headers cut", "empty", "rubbish", "another system's"],
)
def test_a_damaged_binary_is_told(sign, frozen, name, data, why):
    files = {"shelf.exe": program(), name: data}
    done = sign(frozen(files))
    assert done.code == 1
    assert done.error == (f'"{name}" cannot be signed: {why}; build it again, or list it in "skip"')
    assert sign(frozen(files), skip=[name]).code == 0


@pytest.mark.parametrize("place", [0x400, -20])
def test_a_binary_that_was_altered_after_it_was_signed_is_told(sign, frozen, tmp_path, place):
    data = bytearray(signed_by(stranger(), program(), tmp_path / "foreign"))
    data[place] ^= 1
    done = sign(frozen({"shelf.exe": program(), "python311.dll": bytes(data)}))
    assert done.code == 1
    assert '"python311.dll" cannot be signed: it was altered after it was signed' in done.error


def test_a_signature_that_cannot_be_read_is_told(sign, frozen, tmp_path):
    data = signed_by(stranger(), program(), tmp_path / "foreign")
    (tmp_path / "python311.dll").write_bytes(data)
    (found,) = read_pe(tmp_path / "python311.dll").signatures()
    signed = read_der(found).child(1).child(0).children()
    serial = signed[-1].child(0).child(1).child(1).whole
    certificates = next(one for one in signed[3:] if one.tag == 0xA0).children()
    (fields,) = [one.child(0) for one in certificates if one.child(0).child(1).whole == serial]
    # A certificate of the right serial number, and nothing else that it should have.
    rest = len(fields.content) - len(serial) - 4
    cut = serial + b"\x04\x82" + rest.to_bytes(2, "big") + bytes(rest)
    files = {"shelf.exe": program(), "python311.dll": data.replace(fields.content, cut)}
    done = sign(frozen(files))
    assert done.code == 1
    assert '"python311.dll" cannot be signed: it carries a signature that cannot be' in done.error
    assert sign(frozen(files), skip=["python311.dll"]).code == 0


def test_what_was_added_behind_a_signature_is_told(sign, frozen, tmp_path):
    data = signed_by(stranger(), program(), tmp_path / "foreign") + b"more"
    done = sign(frozen({"shelf.exe": program(), "python311.dll": data}))
    assert done.code == 1
    assert "its signature is not at its end" in done.error


def packed(path, members):
    """Write a tar.zst as no packer of ours would."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    path.write_bytes(zstandard.compress(stream.getvalue()))
    return given(path)


@pytest.mark.parametrize(
    "members",
    [
        [("../shelf.exe", program())],
        [("/shelf.exe", program())],
        [("shelf/a.exe", "/etc/passwd")],
        [("shelf/a.exe", "../../b.exe")],
        [("shelf/lib", "."), ("shelf/lib/a.exe", program())],
        [("shelf/a.exe", program()), ("shelf/a.exe", program())],
    ],
)
def test_a_hostile_archive_is_refused(sign, tmp_path, members):
    done = sign(packed(tmp_path / "shelf-win-amd64.tar.zst", members))
    assert done.code == 1
    assert "is refused: the entry" in done.error


def test_a_damaged_archive_is_refused(sign, tmp_path):
    path = tmp_path / "shelf-win-amd64.tar.zst"
    packed(path, [("shelf/shelf.exe", program())])
    path.write_bytes(path.read_bytes()[:-50])
    done = sign(given(path))
    assert done.code == 1
    assert "it is damaged or cut short" in done.error


def test_a_link_in_the_tree_is_not_followed(sign, tmp_path, opened):
    members = [
        ("shelf/shelf.exe", program()),
        ("shelf/other.exe", "shelf.exe"),
        ("shelf/-n.exe", program()),
    ]
    done = sign(packed(tmp_path / "shelf-win-amd64.tar.zst", members))
    assert done.code == 0, done.notices
    # A name that begins with a dash is no option.
    assert [one["file"] for one in done.described["signed"]] == ["-n.exe", "shelf.exe"]
    assert (opened(done) / "other.exe").is_symlink()


def test_two_artefacts_of_one_name_are_told(sign, tmp_path):
    paths = [tmp_path / "a" / "setup.exe", tmp_path / "b" / "Setup.exe"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(program())
    done = sign(*(given(path, "installer", path.parent.name) for path in paths))
    assert done.code == 1
    assert 'both "b" and "a" left "setup.exe"; rename one' in done.error


def test_a_job_without_products_is_told(sign):
    done = sign()
    assert done.code == 1
    assert 'stage "sign" has nothing to sign: no product came from freeze' in done.error


def test_an_msi_that_is_none_is_told(sign, tmp_path):
    (tmp_path / "shelf.msi").write_bytes(b"no installer")
    done = sign(given(tmp_path / "shelf.msi", "installer", "installer"))
    assert done.code == 1
    assert "shelf.msi cannot be signed" in done.error
