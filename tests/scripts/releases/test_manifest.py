"""release.json: written the same each time, read tolerantly, told precisely when broken."""

import json

import pytest
from pydantic import ValidationError

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Job, RunFacts, StageRecord
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases import manifest
from slipway.scripts.releases.manifest import Artefact, Manifest

HASH = "0123456789abcdef" * 4


def make(**changes) -> Manifest:
    job = Job(
        project="almanac",
        name="publish",
        stage={"uses": "publish"},
        run=RunFacts(
            number=7,
            revision="ab" * 20,
            branch="main",
            committed_at=1_700_000_001,
            version="1.4.0+7",
            subject="Ünïcode",
            author="Ada",
        ),
        records=(StageRecord(stage="tests", uses="tests", state="passed", facts={"tests": 3}),),
        output="/o",
        cache="/c",
        state="/s",
    )
    artefacts = (Artefact(name="a.zip", size=3, sha256=HASH, stage="archive"),)
    return manifest.make(job, artefacts, 1_700_000_100.7).model_copy(update=changes)


def test_what_is_written_is_read_again(tmp_path):
    (tmp_path / "release.json").write_text(make().text(), encoding="utf-8")
    assert manifest.read(tmp_path / "release.json") == make()
    content = json.loads(make().text())
    assert content["schema_version"] == 1
    assert content["published_at"] == "2023-11-14T22:15:00Z"
    assert content["committed_at"] == "2023-11-14T22:13:21Z"
    assert content["stages"][0]["facts"] == {"tests": 3}
    assert make().sums() == f"{HASH}  a.zip\n"


def test_unknown_keys_of_other_versions_are_ignored(tmp_path):
    content = json.loads(make().text())
    content |= {"schema_version": 9, "signature": {"by": "key"}}
    content["artefacts"][0]["colour"] = "blue"
    del content["pages"], content["worker"], content["stages"][0]["facts"]
    (tmp_path / "r").write_text(json.dumps(content))
    assert manifest.read(tmp_path / "r").version == "1.4.0+7"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{\n "project": "x",\n oops\n}', ":3: is not readable as JSON"),
        (b"\xff", "is not UTF-8 at byte 0"),
        (b"[]", "the whole file: "),
        (b'{"project": "x"}', "version: Field required (in all"),
    ],
)
def test_a_broken_manifest_is_told_with_its_place(tmp_path, text, told):
    (tmp_path / "r").write_bytes(text)
    with pytest.raises(WrongInput) as caught:
        manifest.read(tmp_path / "r")
    assert told in str(caught.value)


def test_a_missing_manifest_is_told(tmp_path):
    with pytest.raises(WrongInput, match="is missing"):
        manifest.read(tmp_path / "r")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\\b", "", ".hidden", "a\nb"])
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(ValidationError, match="cannot name a file"):
        Artefact(name=name, size=1, sha256=HASH)


def test_the_same_release_is_known_whenever_it_was_published():
    assert make().same_release(make(published_at=make().committed_at, stages=()))
    assert not make().same_release(make(revision="cd" * 20))
    other = Artefact(name="a.zip", size=3, sha256=HASH[::-1])
    assert not make().same_release(make(artefacts=(other,)))


def test_a_manifest_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        make().version = "2"


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_400, "999 kB"),
        (999_999, "1.0 MB"),
        (9_960_000, "10 MB"),
        (57_123_456, "57 MB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_sizes_are_told_in_two_or_three_digits(size, told):
    assert size_text(size) == told


def test_counts_have_their_plural():
    assert [count_text(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert count_text(2, "entry", "entries") == "2 entries"
