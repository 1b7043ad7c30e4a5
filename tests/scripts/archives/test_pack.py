"""Archives: the same bytes everywhere, and nothing lands outside the folder."""

import hashlib
import io
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.archives import zip_records, zip_writer
from slipway.scripts.archives.pack import pack_tree, pack_zip, unpack

EPOCH = 1_700_000_001
PACKERS = [pytest.param(pack_tree, id="tar.zst"), pytest.param(pack_zip, id="zip")]
LONG = "ü" * 100 + "-long.txt"


def make_tree(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "bin" / "almanac").write_bytes(b"\x7fELF" + bytes(range(256)) * 9000)
    (folder / "bin" / "almanac").chmod(0o755)
    (folder / "nothing.txt").write_bytes(b"")
    (folder / "naïve ☂.txt").write_text("rain\n", encoding="utf-8")
    deep = folder / "deep" / LONG / LONG
    deep.mkdir(parents=True)
    (deep / "leaf.bin").write_bytes(b"leaf")
    (folder / "bin" / "alias").symlink_to("almanac")
    (folder / "deep" / "up").symlink_to("../bin/almanac")
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, object]:
    def told(path: Path) -> object:
        if path.is_symlink():
            return str(path.readlink())
        if path.is_dir():
            return "folder"
        return path.read_bytes(), bool(path.stat().st_mode & 0o111)

    return {str(path.relative_to(folder)): told(path) for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("pack", PACKERS)
def test_what_is_packed_comes_out_again(tmp_path, pack):
    tree = make_tree(tmp_path / "tree")
    pack(tree, tmp_path / "a", epoch=EPOCH, root="almanac")
    unpack(tmp_path / "a", tmp_path / "out")
    assert contents(tmp_path / "out" / "almanac") == contents(tree)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["almanac"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out", "tree"]


@pytest.mark.parametrize("pack", PACKERS)
def test_same_tree_gives_same_bytes(tmp_path, pack, monkeypatch):
    pack(make_tree(tmp_path / "one"), tmp_path / "a", epoch=EPOCH, root="x")
    before = os.umask(0o077)
    try:
        other = make_tree(tmp_path / "elsewhere" / "two")
    finally:
        os.umask(before)
    for path in other.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    pack(other, tmp_path / "b", epoch=EPOCH, root="x")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    pack(other, tmp_path / "c", epoch=EPOCH + 60, root="x")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


@pytest.mark.slow
def test_number_of_threads_does_not_show(tmp_path, monkeypatch):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "big").write_bytes(b"".join(b"%d " % number for number in range(4_000_000)))
    found = set()
    for threads in (1, 2, 8):
        monkeypatch.setattr("slipway.scripts.archives.pack._THREADS", threads)
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        pack_tree(tree, tmp_path / "t", epoch=EPOCH, level=3)
        pack_zip(tree, tmp_path / "z", epoch=EPOCH, level=1)
        found.add((digest(tmp_path / "t"), digest(tmp_path / "z")))
    assert len(found) == 1


def test_root_is_the_folders_name_or_none_at_all(tmp_path):
    tree = make_tree(tmp_path / "tree")
    pack_zip(tree, tmp_path / "a.zip", epoch=EPOCH)
    pack_zip(tree, tmp_path / "b.zip", epoch=EPOCH, root="")
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist()[0] == "tree/"
    assert "nothing.txt" in zipfile.ZipFile(tmp_path / "b.zip").namelist()
    with pytest.raises(WrongInput, match="a plain name is needed"):
        pack_zip(tree, tmp_path / "c.zip", epoch=EPOCH, root="../x")


def test_tar_holds_nothing_of_this_machine(tmp_path):
    pack_tree(make_tree(tmp_path / "tree"), tmp_path / "a", epoch=EPOCH)
    with (
        zstandard.open(tmp_path / "a", "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        members = tar.getmembers()
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {
        (0, 0, "", "", EPOCH)
    }
    assert {one.mode for one in members} == {0o644, 0o755, 0o777}
    assert [one.name for one in members] == sorted(one.name for one in members)


def test_zip_is_read_by_others(tmp_path):
    pack_zip(make_tree(tmp_path / "tree"), tmp_path / "a.zip", epoch=EPOCH, root="x")
    packed = zipfile.ZipFile(tmp_path / "a.zip")
    assert packed.testzip() is None
    info = packed.getinfo("x/bin/almanac")
    assert info.date_time == (2023, 11, 14, 22, 13, 20)
    assert info.external_attr >> 16 == stat.S_IFREG | 0o755
    assert f"x/deep/{LONG}/{LONG}/leaf.bin" in packed.namelist()
    assert stat.S_ISLNK(packed.getinfo("x/bin/alias").external_attr >> 16)
    if shutil.which("unzip"):
        done = subprocess.run(["unzip", "-tq", tmp_path / "a.zip"], check=False)
        assert done.returncode == 0


@pytest.mark.parametrize(("epoch", "year"), [(0, 1980), (2**33, 2107)])
def test_zip_dates_stay_in_what_dos_knows(tmp_path, epoch, year):
    pack_zip(make_tree(tmp_path / "tree"), tmp_path / "a.zip", epoch=epoch)
    assert {one.date_time[0] for one in zipfile.ZipFile(tmp_path / "a.zip").infolist()} == {year}


@pytest.mark.slow
def test_blocks_join_to_one_stream(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_writer, "_BLOCK", 1000)
    tree = make_tree(tmp_path / "tree")
    pack_zip(tree, tmp_path / "a.zip", epoch=EPOCH)
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert contents(tmp_path / "out" / "tree") == contents(tree)


def test_zip64_where_sizes_and_offsets_need_it(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_records, "LIMIT", 20_000)
    monkeypatch.setattr(zip_records, "COUNT_LIMIT", 3)
    tree = make_tree(tmp_path / "tree")
    (tree / "zz-after").write_bytes(os.urandom(30_000))
    (tree / "zzz-small").write_bytes(b"small")
    pack_zip(tree, tmp_path / "a.zip", epoch=EPOCH)
    packed = zipfile.ZipFile(tmp_path / "a.zip")
    assert packed.testzip() is None
    assert packed.getinfo("tree/zz-after").extract_version == 45
    assert packed.getinfo("tree/zzz-small").header_offset > 20_000
    if shutil.which("unzip"):
        assert subprocess.run(["unzip", "-tq", tmp_path / "a.zip"], check=False).returncode == 0


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("link", ["/etc/passwd", "../outside", "bin/../../x", "nothing/../x"])
def test_links_out_are_not_packed(tmp_path, pack, link):
    tree = make_tree(tmp_path / "tree")
    (tree / "evil").symlink_to(link)
    with pytest.raises(StageFailed, match="symbolic link leads to"):
        pack(tree, tmp_path / "a", epoch=EPOCH)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("pack", PACKERS)
def test_other_kinds_of_files_are_refused(tmp_path, pack):
    os.mkfifo(make_tree(tmp_path / "tree") / "pipe")
    with pytest.raises(StageFailed, match="neither a file nor a folder"):
        pack(tmp_path / "tree", tmp_path / "a", epoch=EPOCH)


@pytest.mark.parametrize("pack", PACKERS)
def test_names_that_are_not_utf8_are_refused(tmp_path, pack):
    tree = make_tree(tmp_path / "tree")
    (tree / os.fsdecode(b"\xff")).write_bytes(b"")
    with pytest.raises(StageFailed, match="not UTF-8"):
        pack(tree, tmp_path / "a", epoch=EPOCH)


@pytest.mark.parametrize("pack", PACKERS)
def test_a_missing_folder_is_wrong_input(tmp_path, pack):
    with pytest.raises(WrongInput, match="not a folder"):
        pack(tmp_path / "nowhere", tmp_path / "a", epoch=EPOCH)


@pytest.mark.parametrize("pack", PACKERS)
def test_a_file_that_shrinks_is_told(tmp_path, pack, monkeypatch):
    tree = make_tree(tmp_path / "tree")
    module = "pack" if pack is pack_tree else "zip_writer"
    from slipway.scripts.archives import entries as trees

    def shrink(folder, root):
        listed = trees.entries(folder, root)
        (folder / "bin" / "almanac").write_bytes(b"short")
        return listed

    monkeypatch.setattr(f"slipway.scripts.archives.{module}.entries", shrink)
    with pytest.raises(StageFailed, match="became shorter"):
        pack(tree, tmp_path / "a", epoch=EPOCH)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


@pytest.mark.parametrize("pack", PACKERS)
def test_a_full_disk_leaves_nothing(tmp_path, pack):
    tree = make_tree(tmp_path / "tree")
    (tree / "noise").write_bytes(os.urandom(200_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StageFailed, match="the disk is full"):
            pack(tree, tmp_path / "a", epoch=EPOCH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


def evil_tar(path: Path, *members: tarfile.TarInfo) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            member.size = 4 if member.isreg() else 0
            tar.addfile(member, io.BytesIO(b"evil") if member.isreg() else None)
    path.write_bytes(zstandard.compress(buffer.getvalue()))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


EVIL = {
    "climbs": [member("../evil")],
    "climbs inside": [member("a/../../evil")],
    "absolute": [member("/tmp/slipway-evil")],  # noqa: S108  it must never be written
    "link out": [member("x", tarfile.SYMTYPE, "../..")],
    "absolute link": [member("x", tarfile.SYMTYPE, "/etc")],
    "through a link": [member("d"), member("x", tarfile.SYMTYPE, "d"), member("x/evil")],
    "over a link": [member("x", tarfile.SYMTYPE, "y"), member("x", tarfile.SYMTYPE, "z")],
    "link through a link": [
        member("a/b", tarfile.DIRTYPE),
        member("up", tarfile.SYMTYPE, "a/b"),
        member("out", tarfile.SYMTYPE, "up/../../.."),
    ],
    "hard link out": [member("x", tarfile.LNKTYPE, "../secret")],
    "hard link to nothing": [member("x", tarfile.LNKTYPE, "nothing")],
    "device": [member("x", tarfile.CHRTYPE)],
    "twice": [member("x"), member("x")],
    "file as folder": [member("x"), member("x/y")],
}


@pytest.mark.parametrize("members", EVIL.values(), ids=EVIL)
def test_unsafe_tars_are_refused(tmp_path, members):
    (tmp_path / "secret").write_text("mine")
    archive = evil_tar(tmp_path / "a.tar.zst", *members)
    with pytest.raises(StageFailed, match="is refused: the entry"):
        unpack(archive, tmp_path / "in" / "out")
    inside = tmp_path / "in"
    assert [path for path in inside.iterdir() if path.name != "out"] == []
    assert (tmp_path / "secret").read_text() == "mine"
    assert (tmp_path / "secret").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("name", "mode", "data"),
    [
        ("../evil", 0, b"evil"),
        ("/evil", 0, b"evil"),
        ("x", stat.S_IFLNK | 0o777, b"../../secret"),
        ("x", stat.S_IFIFO, b""),
    ],
)
def test_unsafe_zips_are_refused(tmp_path, name, mode, data):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, data)
    with pytest.raises(StageFailed, match="is refused: the entry"):
        unpack(tmp_path / "a.zip", tmp_path / "in" / "out")
    assert not (tmp_path / "in" / "evil").exists()
    assert list((tmp_path / "in" / "out").iterdir()) == []


def test_nothing_is_written_through_a_link_that_was_there(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "d").symlink_to(tmp_path / "elsewhere")
    archive = evil_tar(tmp_path / "a.tar.zst", member("d/evil"))
    with pytest.raises(StageFailed, match="is no folder"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_hard_links_inside_are_files(tmp_path):
    archive = evil_tar(tmp_path / "a", member("x"), member("y", tarfile.LNKTYPE, "x"))
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "y").read_bytes() == b"evil"


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_cut_archives_are_told(tmp_path, pack, kept):
    pack(make_tree(tmp_path / "tree"), tmp_path / "a", epoch=EPOCH)
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(StageFailed, match="damaged or cut short"):
        unpack(tmp_path / "a", tmp_path / "out")


@pytest.mark.parametrize("pack", PACKERS)
def test_altered_archives_are_told(tmp_path, pack):
    pack(make_tree(tmp_path / "tree"), tmp_path / "a", epoch=EPOCH)
    data = bytearray((tmp_path / "a").read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(StageFailed):
        unpack(tmp_path / "a", tmp_path / "out")


def test_other_files_are_no_archives(tmp_path):
    (tmp_path / "a").write_text("hello")
    with pytest.raises(StageFailed, match=r"neither a tar\.zst nor a zip"):
        unpack(tmp_path / "a", tmp_path / "out")


@pytest.mark.slow
def test_memory_stays_small(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    with (tree / "big").open("wb") as stream:
        stream.truncate(300 << 20)
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from slipway.scripts.archives.pack import pack_tree, pack_zip\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "pack_zip(Path(sys.argv[1]), Path(sys.argv[2]), epoch=0, level=1)\n"
        "pack_tree(Path(sys.argv[1]), Path(sys.argv[2]), epoch=0, level=3)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tree, tmp_path / "a"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < 120_000
