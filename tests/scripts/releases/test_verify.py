"""`slipway verify`: what was altered is told file by file."""

import io
import json
import shutil

import pytest
from rich.console import Console

from slipway.scripts.releases import manifest as manifests
from slipway.scripts.releases.manifest import Artefact, Manifest
from slipway.scripts.releases.verify import check, verify
from slipway.scripts.report import hash_file

TIME = "2026-11-20T20:59:20Z"


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "almanac" / "1.4.0+7"
    folder.mkdir(parents=True)
    artefacts = []
    for name in ("a.zip", "b [b].dump"):
        (folder / name).write_text(name * 100)
        facts = {"size": (folder / name).stat().st_size, "sha256": hash_file(folder / name)}
        artefacts.append(Artefact(name=name, **facts))
    made = Manifest(
        project="almanac",
        version="1.4.0+7",
        revision="",
        run=7,
        committed_at=TIME,
        published_at=TIME,
        artefacts=tuple(artefacts),
    )
    (folder / manifests.SUMS).write_text(made.sums())
    (folder / manifests.MANIFEST).write_text(made.text())
    (folder.parent / "latest").symlink_to("1.4.0+7")
    (folder.parent / "latest.json").write_text(json.dumps({"version": "1.4.0+7"}))
    return folder


def looked(place):
    out = io.StringIO()
    code = check(place, Console(file=out, width=60))
    return code, out.getvalue()


def test_a_good_release_is_good(release):
    (release / "release.json.minisig").write_text("a signature is no extra file")
    assert verify(release) == []
    code, said = looked(release)
    assert code == 0
    assert "b [b].dump: ok\n" in said
    assert said.endswith("almanac 1.4.0+7 is as it was published: 3 files, 1.5 kB, run 7\n")


def test_all_places_of_a_release_are_understood(release):
    assert verify(release / "release.json") == []
    assert verify(release.parent) == []
    (release.parent / "latest").unlink()
    assert verify(release.parent) == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda at: (at / "a.zip").unlink(), "a.zip: missing"),
        (lambda at: (at / "a.zip").write_text("x" * 9), "a.zip: truncated: 9 of 500 bytes"),
        (lambda at: (at / "a.zip").write_text("x" * 501), "altered: 501 instead of 500 bytes"),
        (lambda at: (at / "a.zip").write_text("x" * 500), "a.zip: altered: sha256 "),
        (lambda at: (at / "extra.exe").write_text(""), "extra.exe: an extra file"),
        (lambda at: (at / "SHA256SUMS").unlink(), "SHA256SUMS: missing"),
        (lambda at: (at / "SHA256SUMS").write_text(""), "0 instead of 2 lines"),
        (lambda at: (at / "SHA256SUMS").write_text("ab  a.zip\n"), "release.json in line 1"),
        (lambda at: (at / "release.json").write_text("{\n,"), "release.json:2: is not readable"),
        (lambda at: (at / "release.json").write_text("{}"), "Field required"),
    ],
)
def test_what_is_wrong_is_told(release, harm, told):
    harm(release)
    assert any(told in problem for problem in verify(release))
    code, said = looked(release)
    assert code == 1
    assert told in said
    assert "is not as it was published" in said


def test_an_altered_file_is_told_with_both_hashes(release):
    before = hash_file(release / "a.zip")
    (release / "a.zip").write_text("x" * 500)
    after = hash_file(release / "a.zip")
    assert verify(release) == [f"a.zip: altered: sha256 {after} instead of {before}"]


def test_a_page_is_checked_too(release):
    content = json.loads((release / "release.json").read_text())
    content["pages"] = [{"name": "index.html", "size": 4, "sha256": "0" * 64}]
    (release / "release.json").write_text(json.dumps(content))
    (release / "index.html").write_text("evil")
    assert any(one.startswith("index.html: altered") for one in verify(release))


def test_a_manifest_cannot_point_elsewhere(release):
    content = json.loads((release / "release.json").read_text())
    content["artefacts"][0]["name"] = "../../secret"
    (release / "release.json").write_text(json.dumps(content))
    assert "cannot name a file" in verify(release)[0]


@pytest.mark.parametrize("place", ["", "nowhere", "almanac/1.4.0+7/a.zip"])
def test_other_places_are_no_release(release, place):
    code, said = looked(release.parents[1] / place)
    assert code == 2
    assert "is no release" in said


def test_a_latest_that_leads_nowhere_is_no_release(release):
    shutil.rmtree(release)
    assert looked(release.parent)[0] == 2
    (release.parent / "latest.json").write_text("[")
    assert looked(release.parent)[0] == 2
