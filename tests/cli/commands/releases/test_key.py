"""`slipway key`: new, show, rotate."""

import json
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from slipway.scripts.releases.signing.key_ring import read_ring


@pytest.fixture
def site(place):
    return place.write(tests=("", ""))


def test_a_key_is_made_shown_and_rotated(site, tmp_path):
    code, out, err = site.slipway("key", "show")
    assert (code, out) == (2, "")
    assert "`slipway key new` makes one" in err
    code, out, err = site.slipway("key", "new", "--days", "60")
    assert (code, err) == (0, "")
    first = out.split()[0]
    assert out.startswith(f"{first} signs releases, until 20")
    private = tmp_path / ".slipway" / "keys" / "release.key"
    assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0
    assert site.slipway("key", "new")[0] == 2
    code, out, err = site.slipway("key", "rotate")
    assert (code, err) == (0, "")
    second = out.split()[0]
    assert f"from now on; {first} signed that" in out
    code, out, _ = site.slipway("key", "show")
    assert [line.split()[:2] for line in out.splitlines()] == [
        [second, "signs"],
        [first, "signed"],
    ]
    code, out, _ = site.slipway("key", "show", "--json")
    ring = read_ring(out.encode(), "x")
    assert [one.id for one in ring.keys] == [first, second]
    assert set(ring.trusted([first])) == {first, second}
    code, out, _ = site.slipway("key", "rotate", "--compromised", "--json")
    assert json.loads(out)["id"] not in {first, second}
    assert "nothing that" in site.slipway("key", "rotate", "--compromised")[1]


def test_the_private_key_is_never_shown(site, tmp_path):
    said = "".join(
        "".join(site.slipway("key", *words)[1:])
        for words in (("new",), ("show",), ("show", "--json"), ("show", "--pem"), ("rotate",))
    )
    private = (tmp_path / ".slipway" / "keys" / "release.key").read_text()
    assert "PRIVATE" not in said
    assert private.splitlines()[1] not in said


def test_the_public_key_is_one_of_openssl(site, tmp_path):
    site.slipway("key", "new")
    (tmp_path / "release.pub").write_text(site.slipway("key", "show", "--pem")[1])
    argv = ["openssl", "pkey", "-pubin", "-in", "release.pub", "-noout", "-text"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "ED25519" in done.stdout


def test_a_key_that_was_rotated_ends_with_its_rotation(site):
    site.slipway("key", "new")
    site.slipway("key", "rotate", "--days", "500")
    new, old = site.slipway("key", "show")[1].splitlines()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert old.endswith(f"signed releases from {today} to {today}")
    assert f"signs releases from {today} to {datetime.now(UTC) + timedelta(500):%Y-%m-%d}" in new


def test_revoked_keys_are_said(site):
    site.slipway("key", "new")
    site.slipway("key", "rotate")
    site.slipway("key", "rotate", "--compromised")
    site.slipway("key", "rotate")
    lines = site.slipway("key", "show")[1].splitlines()
    assert ["; revoked: nothing that it signed counts" in one for one in lines] == [
        *(False, False, True, True),
    ]


def test_the_served_keys_are_new_after_a_rotation(site, tmp_path):
    """Only where releases are, and with what may lie there in its way."""
    toml = tmp_path / "pipeline.toml"
    toml.write_text(
        f"{toml.read_text()}[project.demo.stages.out]\nuses = 'publish'\nneeds = ['tests']\n"
    )
    site.slipway("key", "new")
    project = tmp_path / ".slipway" / "releases" / "demo"
    assert site.slipway("key", "rotate")[::2] == (0, "")
    assert not project.exists()
    project.mkdir(parents=True)
    outside = tmp_path / "outside.json"
    outside.write_text("mine")
    (project / "keys.json").symlink_to(outside)
    assert site.slipway("key", "rotate")[0] == 0
    own = tmp_path / ".slipway" / "keys" / "keys.json"
    assert (project / "keys.json").read_bytes() == own.read_bytes()
    assert outside.read_text() == "mine"
    (project / "keys.json").unlink()
    (project / "keys.json").mkdir()
    code, _, err = site.slipway("key", "rotate")
    assert (code, len(err.splitlines())) == (3, 1)
    assert f"{project / 'keys.json'} is the old one" in err
    assert len(read_ring(own.read_bytes(), "x").keys) == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("new", "--days", "0"), "--days"),
        (("new", "--days", "999999"), "at most 36,500 days"),
        (("rotate",), "there is no key yet"),
        (("nonsense",), "nonsense"),
    ],
)
def test_what_makes_no_sense_is_told(site, words, told):
    code, out, err = site.slipway("key", *words)
    assert (code, out) == (2, "")
    assert told in err
