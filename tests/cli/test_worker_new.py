"""`slipway worker new`: one private file, and a sentence for each thing that is wrong."""

import json
import zipfile

import pytest

from slipway.workers.bundle.writer import Platform

pytestmark = pytest.mark.slow
WORKER = '\n[workers.win1]\nlabels = ["windows"]\npassword = { file = "win1-password" }\n'


@pytest.fixture
def site(place, monkeypatch):
    """A site with a worker win1; returns a function that changes its settings."""
    monkeypatch.setenv("SLIPWAY_STATE", str(place.folder / "state"))
    place.write(unit=("pass", ""))
    file = place.folder / "pipeline.toml"
    before = file.read_text() + WORKER

    def write(settings='worker-listen = "10.0.0.5"', text=before):
        assert "[site]" not in text
        file.write_text(f"[site]\n{settings}\n{text}")

    write()
    return write


def new(place, *words, platform="windows"):
    return place.slipway("worker", "new", "win1", "--platform", platform, *words)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("platform", list(Platform))
def test_the_bundle_holds_what_a_worker_needs(place, platform):
    code, out, err = new(place, platform=platform)
    assert (code, err) == (0, "")
    assert "which connects to 10.0.0.5:9989" in out
    file = place.folder / "win1.zip"
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as bundle:
        facts = json.loads(bundle.read("win1/worker.json"))
        names = {name.removeprefix("win1/") for name in bundle.namelist()}
        readme = bundle.read("win1/README.txt").decode()
    start = "setup.ps1" if platform == "windows" else "setup.sh"
    assert names == {"README.txt", start, "set_up_worker.py", "worker.json", facts["wheel"]}
    assert start in readme
    password = (place.folder / "win1-password").read_text().strip()
    assert (facts["password"], facts["port"], facts["host"]) == (password, 9989, "10.0.0.5")
    assert facts["fingerprint"].startswith("sha256:")
    assert password not in out + readme


@pytest.mark.usefixtures("site")
def test_a_password_is_made_once(place):
    new(place)
    before = (place.folder / "win1-password").read_text()
    assert (place.folder / "win1-password").stat().st_mode & 0o777 == 0o600
    new(place)
    assert (place.folder / "win1-password").read_text() == before


@pytest.mark.parametrize(
    ("settings", "words", "told"),
    [
        ("", (), "site.worker-listen is 127.0.0.1, where no other machine can connect"),
        ('worker-listen = "0.0.0.0"', (), "name the host as others see it: --master HOST"),
        ("", ("--master", "a:b"), '--master "a:b" is neither HOST nor HOST:PORT'),
        ("", ("--master", ":1"), '--master ":1" is neither'),
        ("", ("--master", "a:65536"), '--master "a:65536" is neither'),
        ("", ("--master", "2001:db8::x"), "is neither HOST nor HOST:PORT"),
        ("", ("--master", "proxy.example.org"), "speaks no TLS: everybody between"),
        ("", ("--config", "no.toml"), "no.toml"),
        (
            "worker-tls = true",
            ("--master", "a", "--output", "no/such/folder.zip"),
            "cannot be written",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(place, site, settings, words, told):
    site(settings)
    code, out, err = new(place, *words)
    assert (code, told in err) == (2, True), err
    assert not out
    assert not list(place.folder.glob("*.zip"))


@pytest.mark.parametrize(
    ("settings", "words", "address"),
    [
        (
            'worker-listen = "0.0.0.0"\nurl = "https://ci.example.org/"',
            (),
            ["ci.example.org", 9989],
        ),
        ('worker-listen = "::"\nworker-port = 7', ("--master", "ci"), ["ci", 7]),
        ("", ("--master", "127.0.0.1:77"), ["127.0.0.1", 77]),
        ("worker-tls = true", ("--master", "[2001:db8::1]:77"), ["2001:db8::1", 77]),
        ("worker-tls = true", ("--master", "2001:db8::1"), ["2001:db8::1", 9989]),
    ],
)
def test_the_masters_address(place, site, settings, words, address):
    site(settings)
    assert new(place, *words)[0] == 0
    with zipfile.ZipFile(place.folder / "win1.zip") as bundle:
        facts = json.loads(bundle.read("win1/worker.json"))
    assert [facts["host"], facts["port"]] == address
    assert bool(facts["fingerprint"]) is bool(settings)


def test_a_worker_that_is_none_or_of_this_machine_is_told(place, site):
    code, _, err = place.slipway("worker", "new", "win2", "--platform", "windows")
    assert (code, 'has no worker win2. Did you mean "win1"?' in err) == (2, True), err
    site(
        text=(place.folder / "pipeline.toml")
        .read_text()
        .split("\n", 2)[2]
        .replace('password = { file = "win1-password" }', "")
    )
    code, _, err = new(place)
    assert (code, "workers.win1 has no password, so it runs on this machine" in err) == (2, True)
