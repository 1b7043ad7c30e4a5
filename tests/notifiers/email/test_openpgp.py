"""Mails that are signed and encrypted, by the real gpg, as a recipient's program takes them."""

from __future__ import annotations

import shutil
import subprocess
from email import message_from_bytes, policy

import httpx
import pytest
from pydantic import ValidationError

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Refused, Retry
from slipway.notifiers.email import openpgp_keys
from slipway.notifiers.email.notifier import EmailNotifier
from slipway.notifiers.email.openpgp_keys import directory_urls
from tests.notifiers.email.conftest import SECRET, context

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("gpg") is None, reason="apt-get install gnupg"),
]
PASSPHRASE = "a passphrase of this test"
TITLE = "almanac 9.9.9+1 (geheim) failed"


def gpg(home, *words, given=b""):
    argv = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback"]
    done = subprocess.run(
        [*argv, *words], input=given, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def new_key(home, name, *more, passphrase="", kind="default", usage="default"):
    gpg(home, *more, "--passphrase", passphrase, "--quick-gen-key", name, kind, usage, "1d")
    rows = gpg(home, "--with-colons", "--list-secret-keys", name).decode().splitlines()
    return next(row.split(":")[9] for row in rows if row.startswith("fpr"))


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """The site's key, and Ben's with his public half."""
    site, ben = tmp_path_factory.mktemp("s"), tmp_path_factory.mktemp("b")
    made = {"site": site, "ben": ben}
    for home in (site, ben):
        home.chmod(0o700)
    try:
        made["key"] = new_key(site, "Slipway <ci@example.org>")
        made["locked"] = new_key(site, "locked@example.org", passphrase=PASSPHRASE)
        new_key(ben, "Ben <ben@example.com>")
        new_key(ben, "signs@example.org", kind="ed25519", usage="sign")
        new_key(ben, "foreign@example.org")
        new_key(ben, "old@example.org", "--faked-system-time", "20200101T000000")
        for name, who in (("public", "ben@example.com"), ("signs", "signs@example.org")):
            made[name] = gpg(ben, "--export", who)
        for name, who in (("foreign", "foreign@example.org"), ("expired", "old@example.org")):
            made[name] = gpg(ben, "--armor", "--export", who)
        gpg(ben, "--import", given=gpg(site, "--export", made["key"]))
        yield made
    finally:
        for home in (site, ben):
            end = ["gpgconf", "--homedir", str(home), "--kill", "all"]
            subprocess.run(end, check=False, capture_output=True)


@pytest.fixture
def send(server, rings, tmp_path):
    """Return what sends a notice with some settings of OpenPGP, and returns the mail that came."""
    (tmp_path / "keys").mkdir()

    def start(public=b"", secret=PASSPHRASE, **settings):
        if public:
            (tmp_path / "keys" / "ben@example.com.asc").write_bytes(public)
        given = {"home": str(rings["site"]), "keys": "keys"} | settings
        sender = server.sender(openpgp=given, secret=secret)
        fields = example_of(Event.RUN_FAILED).model_dump(by_alias=True) | {"title": TITLE}
        try:
            sender.send(Notice.model_validate(fields), context())
        finally:
            sender.close()
        return server.post.mails[-1]

    return start


def opened(rings, mail):
    """Return what Ben reads, and what his gpg says of it."""
    assert mail.get_content_type() == "multipart/encrypted"
    assert mail.get_param("protocol") == "application/pgp-encrypted"
    version, data = mail.iter_parts()
    assert version.get_content_type() == "application/pgp-encrypted"
    argv = ["gpg", "--homedir", str(rings["ben"]), "--batch", "--status-fd", "2", "--decrypt"]
    done = subprocess.run(
        argv, input=data.get_payload(decode=True), capture_output=True, check=True, timeout=60
    )
    return message_from_bytes(done.stdout, policy=policy.default), done.stderr.decode()


def test_a_signed_mail_is_as_it_was_signed_when_it_arrives(send, rings, tmp_path, server):
    mail = send(key=rings["key"])
    assert mail.get_content_type() == "multipart/signed"
    assert mail.get_param("protocol") == "application/pgp-signature"
    assert mail.get_param("micalg") == "pgp-sha512"
    body, signature = mail.iter_parts()
    assert body["Subject"] == mail["Subject"] == TITLE
    assert body.get_param("protected-headers") == "v1"
    # By its bytes alone: what lies between the boundaries.
    boundary = f"--{mail.get_boundary()}\r\n".encode()
    signed = server.post.raw[-1].split(boundary)[1].removesuffix(b"\r\n")
    paths = [tmp_path / "signed.asc", tmp_path / "signed"]
    paths[0].write_bytes(signature.get_payload(decode=True))
    paths[1].write_bytes(signed)
    gpg(rings["ben"], "--verify", *map(str, paths))
    paths[1].write_bytes(signed.replace(b"almanac", b"almanak", 1))
    with pytest.raises(AssertionError, match="BAD signature"):
        gpg(rings["ben"], "--verify", *map(str, paths))


def test_an_encrypted_mail_tells_those_between_nothing(send, rings, server):
    mail = send(rings["public"], key=rings["key"], encrypt="where-possible")
    raw = server.post.raw[-1]
    for word in (b"geheim", b"almanac", b"run-failed", b"test_low_water", TITLE.encode()):
        assert word not in raw
    assert mail["Subject"] == "..."
    inner, said = opened(rings, mail)
    assert f"VALIDSIG {rings['key']}" in said
    assert inner["Subject"] == TITLE
    assert inner.get_param("protected-headers") == "v1"
    text = inner.get_body(("plain",)).get_content()
    assert text.startswith(TITLE)
    assert "\n-- \n" in text.replace("\r\n", "\n")
    assert TITLE in inner.get_body(("html",)).get_content()
    # What keeps mails of a run together, and robots away, is seen.
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["message-id"] == inner["message-id"]


def test_without_a_key_that_signs_it_is_encrypted_alone(send, rings):
    inner, said = opened(rings, send(rings["public"], encrypt="always"))
    assert inner["Subject"] == TITLE
    assert "VALIDSIG" not in said


def test_who_has_no_key_gets_it_signed_or_not_at_all(send, rings, server):
    mail = send(key=rings["key"], encrypt="where-possible")
    assert mail.get_content_type() == "multipart/signed"
    count = len(server.post.mails)
    with pytest.raises(Refused, match=r"there is no key of ben@example\.com; write one to keys/"):
        send(key=rings["key"], encrypt="always")
    assert len(server.post.mails) == count


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no key", "holds no key"),
        (b"", ""),
        ("signs", "cannot be encrypted to"),
        ("two", "holds several keys"),
        ("expired", "has expired"),
    ],
    ids=["no key", "empty file", "signs alone", "two", "expired"],
)
def test_a_key_that_cannot_be_used_sends_nothing_in_plain(send, rings, server, data, why):
    known = {"signs": rings["signs"], "two": rings["public"] + rings["signs"]}
    known["expired"] = rings["expired"]
    with pytest.raises(Refused, match=why or "there is no key of"):
        send(known.get(data, data), key=rings["key"], encrypt="always")
    assert server.post.mails == []


def test_a_wrong_passphrase_and_a_missing_key_wait(send, rings, server):
    with pytest.raises(Retry, match="openpgp: "):
        send(key=rings["locked"], passphrase=SECRET, secret="wrong")
    with pytest.raises(Retry, match="openpgp: ") as raised:
        send(key="0" * 40)
    assert PASSPHRASE not in str(raised.value)
    with pytest.raises(Retry, match="is not on this machine"):
        send(key=rings["key"], program="no-such-gpg")
    assert server.post.mails == []
    assert send(key=rings["locked"], passphrase=SECRET)["subject"] == TITLE


def test_a_check_signs_and_says_what_is_wrong(server, rings):
    good = server.sender(openpgp={"home": str(rings["site"]), "key": rings["key"]})
    assert "answers" in good.check()
    good.close()
    bad = server.sender(openpgp={"home": str(rings["site"]), "key": "0" * 40})
    with pytest.raises(Retry, match="openpgp: "):
        bad.check()


# ---- the directory of the recipient's domain


def test_the_addresses_of_a_directory_are_those_of_the_draft():
    # Source: draft-koch-openpgp-webkey-service, section 3.1, its example.
    advanced, direct = directory_urls("Joe.Doe@example.org")
    name = "iy9q119eutrkn8s1mk4r39qejnbu3n5q"
    place = f"/.well-known/openpgpkey/{{}}hu/{name}?l=Joe.Doe"
    assert advanced == f"https://openpgpkey.example.org{place.format('example.org/')}"
    assert direct == f"https://example.org{place.format('')}"


@pytest.fixture
def directory(monkeypatch):
    """Answer as a directory does, in place of the network: by host, (code, body) or an error."""
    answers, asked = {}, []

    def handle(request):
        asked.append(request.url.host)
        found = answers.get(request.url.host, httpx.ConnectError("no such host"))
        if isinstance(found, Exception):
            raise found
        return httpx.Response(found[0], content=found[1])

    real = httpx.Client
    transport = httpx.MockTransport(handle)
    monkeypatch.setattr(
        openpgp_keys.httpx, "Client", lambda **keys: real(transport=transport, **keys)
    )
    return answers, asked


def test_a_key_of_the_domain_is_used(send, rings, directory):
    answers, asked = directory
    answers["openpgpkey.example.com"] = (200, rings["public"])
    mail = send(keys=None, wkd=True, encrypt="always")
    assert opened(rings, mail)[0]["Subject"] == TITLE
    assert asked == ["openpgpkey.example.com"]


def test_the_direct_way_is_asked_where_there_is_no_other(send, rings, directory):
    answers, asked = directory
    answers["example.com"] = (200, rings["public"])
    opened(rings, send(keys=None, wkd=True, encrypt="always"))
    assert asked == ["openpgpkey.example.com", "example.com"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, b""), Refused),
        ((200, b"no key"), Refused),
        ("foreign", Refused),
        ((302, b""), Retry),
        ((500, b""), Retry),
        ((200, b"x" * (2 << 20)), Retry),
        (httpx.ReadTimeout("too slow"), Retry),
    ],
    ids=["none", "no key", "of another", "moved", "broken", "endless", "slow"],
)
def test_what_a_domain_says_never_makes_a_mail_plain(send, rings, server, directory, answer, error):
    directory[0]["openpgpkey.example.com"] = (
        (200, rings["foreign"]) if answer == "foreign" else answer
    )
    with pytest.raises(error, match="openpgp: "):
        send(keys=None, wkd=True, key=rings["key"], encrypt="always")
    assert server.post.mails == []


# ---- settings


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "neither signs nor encrypts"),
        ({"encrypt": "always"}, "say where the keys of recipients are"),
        ({"key": "short"}, "key"),
        ({"key": "0" * 40, "encrypt": "sometimes"}, "encrypt"),
    ],
    ids=["nothing", "no keys", "short", "unknown"],
)
def test_settings_that_cannot_be_are_refused(settings, why):
    mail = {"kind": "email", "host": "mail.example.org", "sender": "ci@example.org"}
    with pytest.raises(ValidationError, match=why):
        EmailNotifier.model_validate(mail | {"openpgp": settings})


def test_what_will_go_out_in_plain_and_a_missing_folder_are_told(tmp_path):
    mail = {"kind": "email", "host": "mail.example.org", "sender": "ci@example.org"}
    made = EmailNotifier.model_validate(
        mail | {"openpgp": {"encrypt": "where-possible", "keys": "none"}}
    )
    first, second = made.problems(tmp_path)
    assert first == 'openpgp.keys: there is no folder "none"'
    assert "gets mails that are plain" in second


def test_its_passphrase_is_a_secret_of_the_site():
    mail = {"kind": "email", "host": "mail.example.org", "sender": "ci@example.org"}
    given = {"key": "0" * 40, "passphrase": {"env": "WORD"}}
    assert SECRET in EmailNotifier.model_validate(mail | {"openpgp": given}).secret_places
