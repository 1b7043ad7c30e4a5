"""`slipway passwd` and `slipway token`, at a ledger."""

import io
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from argon2 import PasswordHasher

from slipway.config import parse
from tests.support.ledgers import make_ledger

WORD = "öffne dich, Sesam"


@pytest.fixture
def types(monkeypatch):
    """Return a typist: what stands on the standard input."""

    def put(text):
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.fixture
def site(place):
    place.write(unit=("pass", ""))
    text = place.config.read_text()
    place.config.write_text(f'{text}[people.ann]\nroles = ["releaser"]\n[people.bob]\nroles = []\n')
    (place.folder / ".slipway").mkdir()
    engine = make_ledger(f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")
    engine.dispose()
    return place


def test_passwd_prints_what_pipeline_toml_takes(place, types):
    types(f"{WORD}\nnot this\n")
    code, out, err = place.slipway("passwd", "ann@example.org", "--stdin")
    assert code == 0
    assert "Sesam" not in out + err
    place.write(unit=("pass", ""))
    people = parse(place.config.read_text() + out).people
    assert PasswordHasher().verify(people["ann@example.org"].password, WORD)


@pytest.mark.slow
def test_passwd_asks_twice_without_showing(tmp_path):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway.cli", "passwd", "ann"],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        start_new_session=True,
        cwd=tmp_path,
        # Its own terminal, not the one of whoever runs the tests.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509
    )
    os.close(follower)
    seen = b""
    for asked in (b"Password of ann: ", b"Once more: "):
        while asked not in seen:
            seen += os.read(leader, 1000)
        os.write(leader, WORD.encode() + b"\n")
    out = process.communicate(timeout=60)[0].decode()
    os.close(leader)
    assert process.returncode == 0
    assert "Sesam" not in seen.decode() + out
    assert re.search(r'^password = "\$argon2id\$', out, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("ann", "short\n", "10 to 1000 characters; this one has 5"),
        ("ann", "x" * 1001, "10 to 1000 characters"),
        ("ann", "with a \t in it\n", "cannot be typed"),
        ("ann", b"\xff\xfe and so on\n", "is not UTF-8"),
        ("Admin", "long enough it is\n", "is made by Slipway"),
        ("a b", "long enough it is\n", '"a b" is no name of a person'),
    ],
)
def test_passwd_says_what_cannot_be(place, types, name, typed, told):
    types(typed)
    code, out, err = place.slipway("passwd", name, "--stdin")
    assert (code, out) == (2, "")
    assert told in err


def test_passwd_needs_a_terminal_to_ask_in(place, types):
    types("x")
    code, _, err = place.slipway("passwd", "ann")
    assert (code, "--stdin" in err) == (3, True)


@pytest.mark.slow
def test_a_token_is_made_listed_and_revoked(site):
    code, out, err = site.slipway("token", "create", "--person", "ann", "--name", "ci")
    assert code == 0
    assert re.fullmatch(r"slw_[\w-]{43}\n", out)
    assert "token 1 of ann, releaser, until" in err
    code, listed, _ = site.slipway("token", "list", "--json")
    (one,) = json.loads(listed)
    assert (one["person"], one["roles"], one["revoked_at"]) == ("ann", ["releaser"], None)
    assert out.strip() not in listed
    assert "live" in site.slipway("token", "list", "--person", "ann")[1]
    assert site.slipway("token", "revoke", 1)[:2] == (0, 'token 1 of ann ("ci") is revoked\n')
    assert "revoked" in site.slipway("token", "list")[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--person", "anne"], 'there are admin, ann, bob. Did you mean "ann"?'),
        (["--person", "ann", "--role", "admin"], '--role "admin": ann has'),
        (["--person", "ann", "--role", "qa"], '--role "qa": ann has'),
        (["--person", "bob"], "bob has no role"),
        (["--person", "ann", "--days", "0"], "more than 0"),
        (["--person", "ann", "--days", "soon"], '"soon" is no number'),
    ],
)
def test_a_token_that_cannot_be_is_told(site, words, told):
    code, out, err = site.slipway("token", "create", "--name", "ci", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert site.slipway("token", "list")[1] == "no tokens; make one: slipway token create\n"


def test_a_token_may_be_less_than_its_person(site):
    words = ("--name", "x", "--role", "viewer", "--role", "developer")
    err = site.slipway("token", "create", "--person", "ann", *words)[2]
    assert "of ann, developer, viewer, until" in err


@pytest.mark.slow
def test_without_a_ledger_there_are_no_tokens(place):
    place.write(unit=("pass", ""))
    code, _, err = place.slipway("token", "list")
    assert (code, err) == (3, "there is no ledger yet; start the site once: slipway up\n")
