"""`slipway stage sign`: what is signed, what is left as it is, and by what it is known."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest

from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.authenticode.pe import read_pe
from slipway.scripts.authenticode.signature import own_signature
from slipway.scripts.stages.archive import run as archive
from tests.support.signing import (
    NEEDS_OSSLSIGNCODE,
    authority,
    binaries,
    identity,
    program,
    signed_by,
    signer,
    stamp_server,
    stranger,
    verify,
)

from .conftest import EPOCH, Recorder, given

pytestmark = NEEDS_OSSLSIGNCODE


@pytest.fixture
def roots(tmp_path):
    path = tmp_path / "roots.pem"
    path.write_text(authority().pem)
    return str(path)


def test_what_nobody_has_signed_is_signed(sign, tree, opened, tmp_path):
    done = sign(tree, description="Shelf", url="https://shelf.example/about")
    assert done.code == 0, done.notices
    assert done.names == ["shelf-win-amd64.tar.zst"]
    inside = opened(done)
    said = verify(inside / "shelf.exe", tmp_path)
    assert "Text description: Shelf" in said
    assert "URL description: https://shelf.example/about" in said
    verify(inside / "lib" / "shelf" / "_fast.pyd", tmp_path)
    # Somebody else's signature stays, and so does everything that is no binary.
    before = tmp_path / "trees" / "win-amd64"
    for name in ("python311.dll", "lib/notes.txt"):
        assert (inside / name).read_bytes() == (before / name).read_bytes()
    assert (inside / "shelf.exe").stat().st_mode & 0o777 == 0o755
    assert (inside / "shelf.exe").stat().st_mtime == EPOCH
    assert done.text == "2 files signed by Shelf Ltd, 1 file signed by others"


def test_the_facts_name_who_signed_what(sign, tree):
    done = sign(tree)
    assert done.facts["thumbprint"] == signer().thumbprint
    assert (done.facts["subject"], done.facts["issuer"]) == ("Shelf Ltd", "Test Issuing")
    assert done.facts["not_after"] == signer().certificate.not_valid_after_utc.isoformat()
    assert done.described["kept"] == {"python311.dll": "Somebody Else"}
    assert done.described["signed"] == [
        {"artefact": "shelf-win-amd64.tar.zst", "file": name, "timestamp": None}
        for name in ("lib/shelf/_fast.pyd", "shelf.exe")
    ]


def test_the_same_input_gives_the_same_bytes(sign, tree):
    def hashed():
        done = sign(tree)
        return hashlib.sha256((done.output / tree.name).read_bytes()).hexdigest()

    assert hashed() == hashed()


def test_what_is_not_for_windows_is_left_as_it_is(sign, tree, frozen, tmp_path):
    linux = frozen({"shelf": b"\x7fELF", "starter.exe": program()}, tag="linux-x86_64")
    package = tmp_path / "shelf.deb"
    package.write_bytes(b"!<arch>\n")
    done = sign(tree, linux, given(package, "installer", "installer"))
    assert done.names == ["shelf-linux-x86_64.tar.zst", "shelf-win-amd64.tar.zst", "shelf.deb"]
    left = done.output / linux.name
    assert hashlib.sha256(left.read_bytes()).hexdigest() == linux.sha256
    assert any("shelf-linux-x86_64.tar.zst, shelf.deb" in one for one in done.notices)


def bill(tmp_path, text):
    file = tmp_path / "shelf-win-amd64.cdx.json"
    file.write_text(text)
    return given(file)


def test_the_bill_of_materials_has_the_hashes_of_what_is_signed(sign, tree, opened, tmp_path):
    def entry(name, data):
        content = hashlib.sha256(data).hexdigest()
        return {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": content}]}

    parts = [entry("shelf.exe", program()), entry("lib/notes.txt", b"MZ, and yet a text")]
    body = {
        "serialNumber": "urn:uuid:0",
        "metadata": {"component": {"name": "shelf", "components": parts}},
        "components": [{"name": "x", "components": [entry("lib/shelf/_fast.pyd", program())]}],
    }
    done = sign(tree, bill(tmp_path, json.dumps(body)))
    assert done.code == 0, done.notices
    assert not [one for one in done.notices if "left as is" in one]
    found = json.loads((done.output / "shelf-win-amd64.cdx.json").read_text())
    own = [*found["metadata"]["component"]["components"], *found["components"][0]["components"]]
    inside = opened(done)
    for one in own:
        data = (inside / one["name"]).read_bytes()
        assert one["hashes"][0]["content"] == hashlib.sha256(data).hexdigest(), one["name"]
    assert found["serialNumber"] != body["serialNumber"]


def test_files_that_were_alike_have_each_their_own_hash(sign, frozen, opened, tmp_path, roots):
    names = ("lib/a/_fast.pyd", "lib/b/_fast.pyd", "_fast.pyd")
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(program()).hexdigest()}]
    parts = [{"type": "file", "name": name, "hashes": hashes} for name in names[:2]]
    # What belongs to no package has its path there alone.
    alone = {"type": "file", "bom-ref": "file:_fast.pyd", "name": "_fast.pyd", "hashes": hashes}
    body = {"components": [{"name": "x", "components": parts}, alone]}
    tree = frozen(dict.fromkeys(names, program()))
    with stamp_server(tmp_path / "tsa") as server:
        stamps = {"timestamp": server.url, "timestamp_roots": roots}
        done = sign(tree, bill(tmp_path, json.dumps(body)), **stamps)
    assert done.code == 0, done.notices
    found = json.loads((done.output / "shelf-win-amd64.cdx.json").read_text())["components"]
    said = [one["hashes"][0]["content"] for one in [*found[0]["components"], found[1]]]
    inside = opened(done)
    assert said == [hashlib.sha256((inside / name).read_bytes()).hexdigest() for name in names]
    assert len(set(said)) == len(names)


def test_the_bill_of_what_was_not_signed_stays_as_it_is(sign, tree, tmp_path):
    other = tmp_path / "shelf-linux-x86_64.cdx.json"
    other.write_text("{ }")
    done = sign(tree, given(other))
    assert done.code == 0, done.notices
    assert (done.output / other.name).read_text() == "{ }"


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"hashes": [1]}', '{"components": 1}', "[" * 9000]
)
def test_what_is_no_bill_of_materials_is_told(sign, tree, tmp_path, text):
    done = sign(tree, bill(tmp_path, text))
    assert done.code == 1
    assert "shelf-win-amd64.cdx.json is no bill of materials" in done.notices[-1]
    assert not list(done.output.glob("*.tar.zst"))


def test_installers_are_signed_as_they_are(sign, tmp_path):
    setup = tmp_path / "shelf-setup.exe"
    setup.write_bytes(program())
    done = sign(given(setup, "installer", "installer"))
    assert done.code == 0, done.notices
    verify(done.output / "shelf-setup.exe", tmp_path)
    assert done.described["signed"][0]["file"] == "shelf-setup.exe"
    assert setup.read_bytes() == program(), "the input is a file of the store"


@pytest.mark.skipif(shutil.which("wixl") is None, reason="needs wixl: apt install wixl")
def test_an_msi_is_signed(sign, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "a.wxs").write_text(_WXS)
    subprocess.run(["wixl", "-o", "shelf.msi", "a.wxs"], cwd=tmp_path, check=True)
    done = sign(given(tmp_path / "shelf.msi", "installer", "installer"))
    assert done.code == 0, done.notices
    verify(done.output / "shelf.msi", tmp_path)


_WXS = """<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="*" Name="a" Language="1033" Version="1.0.0" Manufacturer="a"
 UpgradeCode="12345678-1234-1234-1234-111111111111"><Package InstallerVersion="200"/>
<Media Id="1" Cabinet="a.cab" EmbedCab="yes"/><Directory Id="TARGETDIR" Name="SourceDir">
<Component Id="c" Guid="12345678-1234-1234-1234-222222222222"><File Id="f" Source="a.txt"/>
</Component></Directory><Feature Id="f1" Level="1"><ComponentRef Id="c"/></Feature></Product></Wix>
"""


@pytest.mark.parametrize(
    ("keys", "signed"),
    [
        ({"files": ["*.exe"]}, ["shelf.exe"]),
        ({"files": ["lib/*/*.pyd"]}, ["lib/shelf/_fast.pyd"]),
        ({"skip": ["lib/*"]}, ["shelf.exe"]),
    ],
)
def test_files_and_skip_narrow_it(sign, tree, keys, signed):
    done = sign(tree, **keys)
    assert [one["file"] for one in done.described["signed"]] == signed


def test_a_pattern_that_matches_nothing_is_told(sign, tree):
    done = sign(tree, files=["*.exe", "*.ocx"])
    assert done.code == 1
    assert 'files: no Windows binary matches "*.ocx"' in done.error
    assert done.names == []


def test_binaries_for_other_processors_and_with_32_bits(sign, frozen, opened, tmp_path):
    starters = {name: data for name, data in binaries().items() if name.startswith("t")}
    done = sign(frozen(starters))
    assert done.facts["files"] == len(starters) >= 3
    for name in starters:
        verify(opened(done) / name, tmp_path)
        shutil.rmtree(tmp_path / "opened")


def test_a_key_on_elliptic_curves(sign, tree, opened, tmp_path):
    who = identity("Shelf Curves", authority(), kind="ec")
    secrets = {"SIGNING_CERTIFICATE": who.pem, "SIGNING_KEY": who.key_pem()}
    done = sign(tree, secrets=secrets)
    assert done.code == 0, done.notices
    verify(opened(done) / "shelf.exe", tmp_path)


def test_a_timestamp_is_got_and_verified(sign, tree, opened, tmp_path, roots):
    with stamp_server(tmp_path / "tsa") as server:
        done = sign(tree, timestamp=server.url, timestamp_roots=roots)
    assert done.code == 0, done.notices
    said = verify(opened(done) / "shelf.exe", tmp_path)
    assert "Timestamp Server Signature verification: ok" in said
    stamps = {one["timestamp"] for one in done.described["signed"]}
    signature = own_signature(read_pe(tmp_path / "opened" / "shelf" / "shelf.exe"))
    assert signature.timestamp.isoformat() in stamps
    assert done.facts["timestamp"] in stamps
    assert done.warnings == []
    assert len(server.asked) == 2


def test_an_authority_that_is_busy_is_asked_again(sign, tree, tmp_path, roots):
    with stamp_server(tmp_path / "tsa") as server:
        server.busy = 2
        done = sign(tree, files=["*.exe"], timestamp=server.url, timestamp_roots=roots)
    assert done.code == 0, done.notices
    # The program, the question why, and the program again.
    assert server.asked == ["/", "/", "/"]


def test_the_next_authority_is_asked_where_one_does_not_answer(sign, tree, tmp_path, roots):
    with stamp_server(tmp_path / "tsa") as server:
        urls = ["http://127.0.0.1:1/", f"{server.url}/rubbish", server.url]
        done = sign(tree, timestamp=urls, timestamp_roots=roots)
    assert done.code == 0, done.notices
    # What answers rubbish is asked for the first file alone: by the program, and why.
    assert server.asked == ["/rubbish", "/rubbish", "/", "/"]


@pytest.mark.parametrize(
    ("place", "asked", "why"),
    [
        ("/rubbish", 2, "what it answers is no timestamp"),
        ("/missing", 2, "it answers with HTTP 404"),
        (":1", 0, "it cannot be reached (Connection refused)"),
    ],
)
def test_without_a_timestamp_nothing_is_left(sign, tree, tmp_path, roots, place, asked, why):
    with stamp_server(tmp_path / "tsa") as server:
        url = "http://127.0.0.1:1" if place == ":1" else server.url + place
        done = sign(tree, timestamp=url, timestamp_roots=roots)
    assert done.code == 1
    assert done.error == f"no timestamp for _fast.pyd, so nothing is signed: {url}: {why}"
    assert len(server.asked) == asked
    assert list(done.output.iterdir()) == []


def test_a_timestamp_by_a_stranger_is_refused(sign, tree, tmp_path, roots):
    with stamp_server(tmp_path / "tsa", identity("Other Stamps Root", usage=None)) as server:
        done = sign(tree, timestamp=server.url, timestamp_roots=roots)
    assert done.code == 1
    assert "is by nobody who is trusted here" in done.error
    assert list(done.output.iterdir()) == []


def test_without_a_timestamp_it_is_told_what_that_means(sign, tree):
    end = f"{signer().certificate.not_valid_after_utc:%Y-%m-%d}"
    assert sign(tree).warnings == [
        f"signed without a timestamp: the signatures are void after {end}"
    ]


# ---- nothing to sign


def test_a_stage_that_signs_nothing_has_failed(sign, frozen):
    done = sign(frozen({"shelf": b"\x7fELF"}, tag="linux-x86_64"))
    assert done.code == 1
    assert done.error == (
        "nothing was signed: no Windows program or installer is in shelf-linux-x86_64.tar.zst"
    )


def test_a_tree_that_is_signed_already_is_told(sign, frozen, tmp_path):
    done = sign(frozen({"shelf.exe": signed_by(stranger(), program(), tmp_path / "f")}))
    assert done.code == 1
    assert "1 file of shelf-win-amd64.tar.zst are signed already, by Somebody Else" in done.error


# ---- what comes after it


def test_the_archive_stage_packs_what_was_signed(sign, tree, tmp_path):
    done = sign(tree)
    job = Job(
        project="shelf",
        name="archive",
        stage={"uses": "archive", "needs": ["sign"]},
        run=RunFacts(number=7, revision="ab", branch="main", committed_at=EPOCH, version="1+7"),
        inputs=(given(done.output / tree.name, "sign", "sign"),),
        output=str(tmp_path / "packed"),
        cache=str(tmp_path / "cache"),
        state=str(tmp_path / "state"),
    )
    (tmp_path / "packed").mkdir()
    archive.run(job, Recorder())
    assert [one.name for one in (tmp_path / "packed").iterdir()] == ["shelf-1+7-win-amd64.zip"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wine") is None, reason="needs Wine: make wine")
def test_a_signed_program_still_starts(sign, frozen, opened, tmp_path):
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if compiler is None:
        pytest.skip("needs a compiler for Windows: make wine")
    (tmp_path / "a.c").write_text("int main(void) { return 7; }")
    subprocess.run([compiler, "a.c", "-o", "a.exe"], cwd=tmp_path, check=True)
    done = sign(frozen({"shelf.exe": (tmp_path / "a.exe").read_bytes()}))
    assert done.code == 0, done.notices
    env = {
        **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
        "WINEPREFIX": str(tmp_path / "wine"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
    }
    try:
        ended = subprocess.run(["wine", opened(done) / "shelf.exe"], env=env, check=False)
    finally:
        server = shutil.which("wineserver") or "/usr/lib/wine/wineserver"
        subprocess.run([server, "-k"], env=env, check=False)
        subprocess.run([server, "-w"], env=env, check=False)
    assert ended.returncode == 7
