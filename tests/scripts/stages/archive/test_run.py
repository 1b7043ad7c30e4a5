"""`slipway stage archive`: one archive for each platform, the same bytes each time."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import ArtefactLeft, Summary
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.scripts.archives.frozen import platform_tag
from slipway.scripts.archives.pack import pack_tree, unpack
from slipway.scripts.atomic_files import written_aside
from slipway.scripts.report import Report
from slipway.scripts.stages.archive import run as archive
from slipway.scripts.stages.publish import run as publish
from slipway.scripts.stages.publish.stage import PublishStage

EPOCH = 1_700_000_001


class Recorder(Report):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def artefacts(self):
        return [event for event in self.events if isinstance(event, ArtefactLeft)]

    def said(self):
        return next(event for event in self.events if isinstance(event, Summary))


def given(path: Path, stage: str, uses: str, name: str | None = None, role="product") -> Input:
    data = path.read_bytes()
    return Input(
        stage=stage,
        uses=uses,
        name=name or path.name,
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        role=role,
    )


def frozen(folder: Path, tag: str, program: str = "almanac") -> Input:
    tree = folder / f"{program}-{tag}"
    tree.mkdir(parents=True)
    (tree / program).write_text("#!/bin/sh\n")
    (tree / program).chmod(0o755)
    (tree / "data.txt").write_text(tag)
    target = folder / f"{program}-{tag}.tar.zst"
    pack_tree(tree, target, epoch=EPOCH, root=program)
    return given(target, "freeze", "freeze")


def made(folder: Path, name: str, stage: str, uses: str) -> Input:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{stage} {name}")
    return given(folder / name, stage, uses)


def job(folder: Path, inputs, *, version="1.4.0+7", **stage) -> Job:
    output = folder / "output"
    output.mkdir(parents=True)
    return Job(
        project="almanac",
        name="archive",
        stage={"uses": "archive", "needs": ["freeze", "databases"], **stage},
        run=RunFacts(number=7, revision="ab", branch="main", committed_at=EPOCH, version=version),
        inputs=tuple(inputs),
        output=str(output),
        cache=str(folder / "cache"),
        state=str(folder / "state"),
    )


def usual(folder: Path) -> list[Input]:
    return [
        frozen(folder, "linux-x86_64"),
        made(folder, "seed.sqlite", "databases", "databases"),
        made(folder, "seed.dump", "databases", "databases"),
        made(folder, "manual.pdf", "handbook", "command"),
    ]


def test_packs_all_that_was_left(tmp_path):
    report = Recorder()
    archive.run(job(tmp_path / "j", usual(tmp_path)), report)
    packed, passed_on = report.artefacts()
    assert packed.name == "almanac-1.4.0+7-linux-x86_64.tar.zst"
    assert passed_on.name == "seed.dump"
    assert passed_on.sha256 == hashlib.sha256(b"databases seed.dump").hexdigest()
    unpack(Path(packed.path), tmp_path / "out")
    root = tmp_path / "out" / "almanac-1.4.0+7"
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == [
        "almanac/almanac",
        "almanac/data.txt",
        "databases/seed.sqlite",
        "handbook/manual.pdf",
    ]
    assert (root / "almanac" / "almanac").stat().st_mode & 0o111
    assert (root / "handbook" / "manual.pdf").stat().st_mtime == EPOCH
    assert report.said().text.startswith(f"{packed.name}: {packed.size} bytes of ")
    assert report.said().text.endswith(" in 4 files")
    assert report.said().facts["passed_on"] == ["seed.dump"]
    left = {path.name for path in Path(packed.path).parent.iterdir()}
    assert left == {packed.name, "seed.dump"}


def test_same_input_same_bytes(tmp_path, monkeypatch):
    first, second = Recorder(), Recorder()
    formats = ("zip", "tar.zst")
    archive.run(job(tmp_path / "j", usual(tmp_path / "a"), formats=formats), first)
    before = os.umask(0o077)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    try:
        inputs = usual(tmp_path / "elsewhere" / "b")
        for one in inputs:
            os.utime(one.path, (1_800_000_000, 1_800_000_000))
        archive.run(job(tmp_path / "k", reversed(inputs), formats=formats), second)
    finally:
        os.umask(before)
    assert [one.sha256 for one in first.artefacts()] == [one.sha256 for one in second.artefacts()]
    assert len(first.artefacts()) == 3


def test_one_archive_for_each_platform(tmp_path):
    report = Recorder()
    inputs = [frozen(tmp_path, "win-amd64"), *usual(tmp_path)]
    archive.run(job(tmp_path / "j", inputs), report)
    assert [one.name for one in report.artefacts()] == [
        "almanac-1.4.0+7-linux-x86_64.tar.zst",
        "almanac-1.4.0+7-win-amd64.zip",
        "seed.dump",
    ]
    names = zipfile.ZipFile(report.artefacts()[1].path).namelist()
    assert "almanac-1.4.0+7/almanac/data.txt" in names
    assert "almanac-1.4.0+7/databases/seed.sqlite" in names


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("almanac-linux-x86_64.tar.zst", "linux-x86_64"),
        ("linux-tools-win-amd64.tar.zst", "win-amd64"),
        ("almanac-win32.tar.zst", "win32"),
        ("almanac-macosx-11.0-arm64.tar.zst", "macosx-11.0-arm64"),
        ("almanac.tar.zst", None),
        ("almanac-window.tar.zst", None),
    ],
)
def test_platform_tag_is_read_from_the_name(name, tag):
    assert platform_tag(name) == tag


def test_nothing_frozen_has_no_tag(tmp_path):
    report = Recorder()
    inputs = [made(tmp_path, "seed.sqlite", "databases", "databases")]
    archive.run(job(tmp_path / "j", inputs, name="seeds"), report)
    assert [one.name for one in report.artefacts()] == ["seeds-1.4.0+7.tar.zst"]


@pytest.mark.parametrize("role", ["report", None])
def test_nothing_to_pack_fails(tmp_path, role):
    one = made(tmp_path, "junit.xml", "tests", "tests").model_copy(update={"role": role})
    with pytest.raises(StageFailed, match="nothing to pack: no product came from freeze, data"):
        archive.run(job(tmp_path / "j", [one] if role else []), Recorder())


def test_only_passed_on_is_nothing_to_pack(tmp_path):
    inputs = [made(tmp_path, "seed.dump", "databases", "databases")]
    with pytest.raises(StageFailed, match="nothing to pack"):
        archive.run(job(tmp_path / "j", inputs), Recorder())


def test_an_empty_frozen_tree_fails(tmp_path):
    (tmp_path / "tree").mkdir()
    pack_tree(tmp_path / "tree", tmp_path / "x-linux-x86_64.tar.zst", epoch=EPOCH)
    inputs = [given(tmp_path / "x-linux-x86_64.tar.zst", "freeze", "freeze")]
    with pytest.raises(StageFailed, match="left an empty tree"):
        archive.run(job(tmp_path / "j", inputs), Recorder())


def test_files_in_each_others_way_are_told(tmp_path):
    inputs = [
        made(tmp_path / "a", "seed.sqlite", "one", "databases"),
        made(tmp_path / "b", "seed.sqlite", "two", "databases"),
    ]
    with pytest.raises(StageFailed, match=r'databases/seed.sqlite is there twice, .* "two"'):
        archive.run(job(tmp_path / "j", inputs), Recorder())


def test_a_broken_input_is_told_and_nothing_is_left(tmp_path):
    one = frozen(tmp_path, "linux-x86_64")
    Path(one.path).write_bytes(Path(one.path).read_bytes()[:40])
    with pytest.raises(StageFailed, match="damaged or cut short"):
        archive.run(job(tmp_path / "j", [one]), Recorder())
    assert list((tmp_path / "j" / "output").iterdir()) == []


def test_an_input_cut_in_the_middle_of_a_file_is_told(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "noise").write_bytes(os.urandom(3 << 20))
    target = tmp_path / "x-linux-x86_64.tar.zst"
    pack_tree(tree, target, epoch=EPOCH)
    target.write_bytes(target.read_bytes()[: 2 << 20])
    with pytest.raises(StageFailed, match=r"x-linux-x86_64.tar.zst .*damaged or cut short"):
        archive.run(job(tmp_path / "j", [given(target, "freeze", "freeze")]), Recorder())
    assert list((tmp_path / "j" / "output").iterdir()) == []


def by_hand(target: Path, *members: tuple[str, bytes, str]) -> Input:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            tar.addfile(member)
    target.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))
    return given(target, "freeze", "freeze")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("a", tarfile.DIRTYPE, ""), ("a/../../x", tarfile.REGTYPE, "")], "no folder in it"),
        ([("..", tarfile.REGTYPE, "")], "no folder in it"),
        ([("a", tarfile.SYMTYPE, "../../etc")], "a link that stays inside"),
        ([("a", tarfile.SYMTYPE, "b"), ("a/x", tarfile.REGTYPE, "")], "a is no folder in it"),
        ([("a", tarfile.REGTYPE, ""), ("a", tarfile.REGTYPE, "")], "a is there twice"),
        ([("b", tarfile.REGTYPE, ""), ("a", tarfile.REGTYPE, "")], "not in the order"),
        ([("b", tarfile.REGTYPE, ""), ("c", tarfile.LNKTYPE, "b")], "neither a file nor"),
        ([("databases", tarfile.REGTYPE, "")], "databases is there twice"),
    ],
)
def test_a_frozen_tree_that_is_not_ours_is_refused(tmp_path, members, told):
    inputs = [
        by_hand(tmp_path / "x-linux-x86_64.tar.zst", *members),
        made(tmp_path, "seed.sqlite", "databases", "databases"),
    ]
    with pytest.raises(StageFailed, match=told):
        archive.run(job(tmp_path / "j", inputs), Recorder())
    assert list((tmp_path / "j" / "output").iterdir()) == []


def test_two_programs_of_one_platform_share_an_archive(tmp_path):
    report = Recorder()
    inputs = [frozen(tmp_path, "linux-x86_64"), frozen(tmp_path, "linux-x86_64", "admin")]
    archive.run(job(tmp_path / "j", inputs, formats=("zip",)), report)
    with zipfile.ZipFile(report.artefacts()[0].path) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [
            "almanac-1.4.0+7/",
            "almanac-1.4.0+7/admin/",
            "almanac-1.4.0+7/admin/admin",
            "almanac-1.4.0+7/admin/data.txt",
            "almanac-1.4.0+7/almanac/",
            "almanac-1.4.0+7/almanac/almanac",
            "almanac-1.4.0+7/almanac/data.txt",
        ]


@pytest.mark.parametrize("version", ["feature/x", "a\\b", "1\n2"])
def test_a_version_that_is_no_name_is_wrong_input(tmp_path, version):
    inputs = [made(tmp_path, "a", "x", "command")]
    with pytest.raises(WrongInput, match="cannot name a file"):
        archive.run(job(tmp_path / "j", inputs, version=version), Recorder())


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    inputs = [made(tmp_path, "seed.sqlite", "databases", "databases")]
    with pytest.raises(StageFailed, match=r"the disk is full: .*free some space"):
        archive.run(job(tmp_path / "j", inputs), Recorder())
    assert list((tmp_path / "j" / "output").iterdir()) == []


def test_a_file_written_aside_replaces_or_leaves_the_old_one(tmp_path):
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def write(fail):
        with written_aside(target) as stream:
            stream.write(b"new")
            if fail:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fail=True)
    assert [target.read_bytes(), *tmp_path.iterdir()] == [b"old", target]
    write(fail=False)
    assert [target.read_bytes(), *tmp_path.iterdir()] == [b"new", target]


def test_a_bill_of_materials_stays_beside_the_archive_of_its_platform(tmp_path):
    """What is read before anything is unpacked, and of one platform, is packed into none."""
    inputs = [frozen(tmp_path / "a", "linux-x86_64"), frozen(tmp_path / "b", "win-amd64")]
    bills = [f"almanac-{tag}.cdx.json" for tag in ("linux-x86_64", "win-amd64")]
    inputs += [made(tmp_path / "bills", name, "freeze", "freeze") for name in bills]
    inputs.append(made(tmp_path / "other", "mine.cdx.json", "bills", "command"))
    said = Recorder()
    archive.run(job(tmp_path, inputs), said)
    left = {one.name: Path(one.path) for one in said.artefacts()}
    assert set(left) == {
        "almanac-1.4.0+7-linux-x86_64.tar.zst",
        "almanac-1.4.0+7-win-amd64.zip",
        "almanac-linux-x86_64.cdx.json",
        "almanac-win-amd64.cdx.json",
    }
    with zipfile.ZipFile(left["almanac-1.4.0+7-win-amd64.zip"]) as packed:
        # What another kind of stage left is packed, as all is.
        assert [name for name in packed.namelist() if name.endswith(".json")] == [
            "almanac-1.4.0+7/bills/mine.cdx.json"
        ]
    # So a release that is published from the archive has it, as the example's has.
    products = tuple(given(path, "archive", "archive") for path in left.values())
    again = job(tmp_path / "published", products)
    stage = PublishStage(uses="publish", needs=("archive",), folder="releases")
    publish.run(again.model_copy(update={"stage": stage}), Recorder())
    release = tmp_path / "published" / "state" / "releases" / "almanac" / "1.4.0+7"
    assert (release / "almanac-win-amd64.cdx.json").is_file()
