"""Archives that nobody vouches for: each ends in one sentence, and nothing lands outside."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import tarfile
import time
import zipfile
import zlib

import pytest
import zstandard

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.model.protocol.job import Input
from slipway.scripts.archives import limits as entry_limits
from slipway.scripts.archives.contents import Parcel
from slipway.scripts.archives.entries import entries
from slipway.scripts.archives.pack import pack_tree, write_tar
from slipway.scripts.archives.unpack import unpack

LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
DEEP = "/".join(["d"] * 2000)
LONG = "n" * 300


def tar(*members, form=tarfile.PAX_FORMAT):
    """The bytes of a tar of (name, content or kind, link) entries, or of ready TarInfos."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as made:
        for one in members:
            info = one if isinstance(one, tarfile.TarInfo) else entry(*one)
            content = info.pax_headers.pop("content", b"evil" if info.isreg() else b"")
            if info.isreg() and not info.size:
                info.size = len(content)
            made.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return buffer.getvalue()


def entry(name, kind=tarfile.REGTYPE, link="", **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    for key, value in more.items():
        setattr(info, key, value)
    return info


def raw(name, kind, content, *, size=None):
    """One entry, header and data, whose size need not be true."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content) if size is None else size
    head = info.tobuf(tarfile.GNU_FORMAT)
    return head + content + b"\0" * (-len(content) % 512)


def pax(text, after=b""):
    """A tar whose first entry has a pax header of this text."""
    records = text if isinstance(text, bytes) else text.encode()
    return raw("h", b"x", records) + raw("x", b"0", b"evil") + after + b"\0" * 1024


def record(key, value):
    body = b" %b=%b\n" % (key.encode(), value)
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d%b" % (length, body)


TARS = {
    "climbs": tar(("../evil",)),
    "climbs inside": tar(("a/../../evil",)),
    "climbs at its end": tar(("a/..", FOLDER)),
    "is the folder above": tar(("..", FOLDER)),
    "absolute": tar(("/evil",)),
    "absolute twice": tar(("//evil",)),
    "no name": tar(("",)),
    "a link out": tar(("x", LINK, "../..")),
    "an absolute link": tar(("x", LINK, "/etc")),
    "a link to nothing": tar(("x", LINK, "")),
    "written through a link": tar(("d",), ("x", LINK, "d"), ("x/evil",)),
    "written through a link to a folder": tar(("d", FOLDER), ("x", LINK, "d"), ("x/evil",)),
    "a link over a file": tar(("x",), ("x", LINK, "y")),
    "a file over a link": tar(("x", LINK, "y"), ("y",), ("x",)),
    "a link through a link": tar(("a/b", FOLDER), ("u", LINK, "a/b"), ("o", LINK, "u/../../..")),
    "a hard link out": tar(("x", HARD, "../secret")),
    "an absolute hard link": tar(("x", HARD, "/etc/passwd")),
    "a hard link to nothing": tar(("x", HARD, "nothing")),
    "a hard link to a link": tar(("l", LINK, "x"), ("x", HARD, "l")),
    "a device": tar(("x", tarfile.CHRTYPE)),
    "a disk": tar(("x", tarfile.BLKTYPE)),
    "a pipe": tar(("x", tarfile.FIFOTYPE)),
    "an unknown kind": raw("x", b"Z", b"evil") + b"\0" * 1024,
    "twice": tar(("x",), ("x",)),
    "a file as a folder": tar(("x",), ("x/y",)),
    "a folder as a file": tar(("x", FOLDER), ("x",)),
    "very deep": tar((DEEP,)),
    "very deep folders": tar((DEEP, FOLDER)),
    "a link that is very deep": tar((DEEP, LINK, "x")),
    "a link to what is very deep": tar(("x", LINK, DEEP)),
    "a long name": tar((LONG,)),
    "a long name inside": tar((f"a/{LONG}/b",)),
    "a long name of few letters": tar(("é" * 200,)),
    "a very long name": tar(("/".join(["n" * 100] * 100),)),
    "a name of a megabyte": tar(("n" * (1 << 20),)),
    "a link to a long name": tar(("x", LINK, LONG)),
    "a long name in GNU's form": tar((LONG,), form=tarfile.GNU_FORMAT),
    "a line break in a name": tar(("a\nb",)),
    "a nul in a name": pax(record("path", b"a\0b")),
    "an escape in a name": tar(("a\x1b]0;x\x07",)),
    "no UTF-8 in a name": pax(record("path", b"a\xff\xfe")),
    "a climbing name in a pax header": pax(record("path", b"../evil")),
    "a climbing link in a pax header": raw("h", b"x", record("linkpath", b"/etc"))
    + raw("x", b"2", b"")
    + b"\0" * 1024,
    "a size below nothing": pax(record("size", b"-5")),
    "a size beyond all": pax(record("size", b"9" * 30)),
    "a header that lies about its length": pax(b"99999999999 path=x\n"),
    "a header of a gigabyte": raw("h", b"x", b"", size=1 << 30) + b"a" * (8 << 20),
    "a name of a gigabyte": raw("././@LongLink", b"L", b"", size=1 << 30) + b"a" * (8 << 20),
    "no tar": b"this is no tar at all" * 100,
    "headers alone": b"\1" * 2048,
    "a cut entry": tar(("x",))[:700],
    "a sparse map without end": raw("h", b"x", record("GNU.sparse.major", b"1")
    + record("GNU.sparse.minor", b"0")
    + record("GNU.sparse.realsize", b"9" * 18)) + raw("x", b"0", b"9" * 512) + b"\0" * 1024,
}  # fmt: skip


#: Python's reader passes over these, or an older one refuses them; what is unpacked is harmless.
STRANGE = {
    "a size that is no number": pax(record("size", b"many")),
    "a header of no form": pax("no header at all"),
}


def zipped(*entries):
    """The bytes of a zip of (name, content, mode) entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content, mode in entries:
            info = zipfile.ZipInfo("x")
            info.filename, info.external_attr = name, mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, content)
    return buffer.getvalue()


def flagged(flag):
    data = bytearray(zipped(("x", b"evil", 0)))
    data[6:8] = struct.pack("<H", flag)
    central = data.index(b"PK\1\2")
    data[central + 8 : central + 10] = struct.pack("<H", flag)
    return bytes(data)


def method(number):
    data = bytearray(zipped(("x", b"evil", 0)))
    data[8:10] = struct.pack("<H", number)
    central = data.index(b"PK\1\2")
    data[central + 10 : central + 12] = struct.pack("<H", number)
    return bytes(data)


SYMLINK = stat.S_IFLNK | 0o777
ZIPS = {
    "climbs": zipped(("../evil", b"evil", 0)),
    "absolute": zipped(("/evil", b"evil", 0)),
    "climbs inside": zipped(("a/../../evil", b"evil", 0)),
    "a folder that climbs": zipped(("../evil/", b"", 0)),
    "a link out": zipped(("x", b"../../secret", SYMLINK)),
    "an absolute link": zipped(("x", b"/etc", SYMLINK)),
    "a link that is no text": zipped(("x", b"\xff\xfe", SYMLINK)),
    "a link of a gigabyte": zipped(("x", b"a" * (64 << 20), SYMLINK)),
    "a link with a nul": zipped(("x", b"a\0b", SYMLINK)),
    "written through a link": zipped(
        ("d/", b"", 0), ("x", b"d", SYMLINK), ("x/evil", b"evil", 0)
    ),
    "a pipe": zipped(("x", b"", stat.S_IFIFO)),
    "a socket": zipped(("x", b"", stat.S_IFSOCK)),
    "twice": zipped(("x", b"1", 0), ("x", b"2", 0)),
    "a file as a folder": zipped(("x", b"1", 0), ("x/y", b"2", 0)),
    "very deep": zipped((DEEP, b"1", 0)),
    "very deep folders": zipped((DEEP + "/", b"", 0)),
    "a long name": zipped((LONG, b"1", 0)),
    "a very long name": zipped(("/".join(["n" * 100] * 100), b"1", 0)),
    "a line break in a name": zipped(("a\nb", b"1", 0)),
    "a password": flagged(1),
    "a patch": flagged(0x20),
    "an unknown way of packing": method(99),
    "LZMA that is none": method(14),
    "bzip2 that is none": method(12),
    "a wrong sum": zipped(("x", b"evil", 0)).replace(
        struct.pack("<L", zlib.crc32(b"evil")), bytes(4)
    ),
    "cut": zipped(("x", b"evil" * 1000, 0))[:-30],
    "an end alone": b"PK\5\6" + b"\xff" * 18,
    "another name before its data": zipped(("abcdef", b"1", 0)).replace(b"abcdef", b"ghijkl", 1),
}  # fmt: skip


@pytest.fixture
def inside(tmp_path):
    """A folder in a folder; beside and above it nothing may change."""
    (tmp_path / "secret").write_text("mine")
    return tmp_path / "in"


def refused(archive, inside, data):
    """Unpack what must not be unpacked; return the sentence."""
    archive.write_bytes(data)
    began = time.monotonic()
    with pytest.raises(SlipwayError) as caught:
        unpack(archive, inside / "out")
    told = str(caught.value)
    assert isinstance(caught.value, StageFailed | WrongInput)
    assert "\n" not in told
    assert told.isprintable()
    assert len(told) < 1000
    assert time.monotonic() - began < 60
    assert sorted(path.name for path in archive.parent.iterdir()) == [archive.name, "in", "secret"]
    assert sorted(path.name for path in inside.iterdir()) == ["out"]
    assert (archive.parent / "secret").read_text() == "mine"
    assert (archive.parent / "secret").stat().st_nlink == 1
    return told


def sentence(work):
    """Return how something was refused; nothing where it was not."""
    try:
        work()
    except SlipwayError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("data", TARS.values(), ids=TARS)
def test_a_hostile_tar_ends_in_a_sentence(tmp_path, inside, data):
    refused(tmp_path / "a.tar.zst", inside, zstandard.compress(data))


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
def test_a_strange_tar_does_no_harm(tmp_path, data):
    (tmp_path / "a").write_bytes(zstandard.compress(data))
    told = sentence(lambda: unpack(tmp_path / "a", tmp_path / "in" / "out"))
    left = [path.name for path in (tmp_path / "in").rglob("*")]
    assert left in ([["out"], ["out", "x"]] if told else [["out", "x"]])


@pytest.mark.parametrize("data", ZIPS.values(), ids=ZIPS)
def test_a_hostile_zip_ends_in_a_sentence(tmp_path, inside, data):
    refused(tmp_path / "a.zip", inside, data)


@pytest.mark.parametrize("data", TARS.values(), ids=TARS)
def test_the_archive_stage_repacks_none_of_them(tmp_path, inside, data):
    archive = tmp_path / "frozen.tar.zst"
    archive.write_bytes(zstandard.compress(data))
    one = Input(
        stage="freeze", uses="freeze", name=archive.name, path=str(archive), sha256="", size=1
    )
    parcel = Parcel("root", "root", ("tar.zst",), (one,), ())
    target = tmp_path / "made.tar.zst"
    told = sentence(lambda: write_tar(parcel.entries(), target, epoch=1))
    assert "\n" not in told
    assert len(told) < 1000
    assert target.exists() != bool(told)
    if told:
        return
    # What it takes over is safe to unpack.
    unpack(target, inside / "out")
    assert (tmp_path / "secret").stat().st_nlink == 1


# ---- how much


def bomb(size):
    """A zstd frame of a tar with one file of zeros."""
    head = raw("x", b"0", b"", size=size)
    squeezer = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [squeezer.compress(head)]
    parts += [squeezer.compress(b"\0" * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, squeezer.flush()])


def test_a_tar_that_grows_without_measure_is_refused_before_it_is_written(
    tmp_path, inside, monkeypatch
):
    monkeypatch.setattr(entry_limits, "FREE", 50 << 20)
    told = refused(tmp_path / "a.tar.zst", inside, bomb(100 << 20))
    assert "would become more than" in told
    assert not (inside / "out" / "x").exists()


@pytest.mark.slow
def test_a_zip_that_grows_without_measure_is_refused_before_it_is_written(
    tmp_path, inside, monkeypatch
):
    monkeypatch.setattr(entry_limits, "FREE", 10 << 20)
    told = refused(tmp_path / "a.zip", inside, zipped(("x", b"\0" * (40 << 20), 0)))
    assert "would become more than" in told


@pytest.mark.slow
def test_many_small_ones_that_overlap_are_counted_together(tmp_path, inside, monkeypatch):
    monkeypatch.setattr(entry_limits, "FREE", 10 << 20)
    parts = [(f"x{number}", b"\0" * (1 << 20), 0) for number in range(40)]
    told = refused(tmp_path / "a.zip", inside, zipped(*parts))
    assert "would become more than" in told


@pytest.mark.slow
def test_entries_without_end_are_refused(tmp_path, inside, monkeypatch):
    monkeypatch.setattr(entry_limits, "MOST_ENTRIES", 1000)
    many = tar(*((f"x{number}", FOLDER) for number in range(1001)))
    assert "more than 1,000 entries" in refused(
        tmp_path / "a.tar.zst", inside, zstandard.compress(many)
    )


def test_a_window_of_gigabytes_is_refused(tmp_path, inside):
    settings = zstandard.ZstdCompressionParameters(window_log=30)
    squeezer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    data = squeezer.compress(tar(("x",)) * 10) + squeezer.flush()
    refused(tmp_path / "a.tar.zst", inside, data)


def test_a_sparse_file_of_exabytes_is_refused(tmp_path, inside):
    info = entry("x")
    info.pax_headers = {"GNU.sparse.size": str(1 << 60), "GNU.sparse.map": "0,0"}
    data = tar(info)
    assert "would become more than" in refused(
        tmp_path / "a.tar.zst", inside, zstandard.compress(data)
    )


@pytest.mark.parametrize("moment", [-1e30, 1e30, -1, 1 << 70, float("inf")])
def test_times_that_are_none_do_no_harm(tmp_path, moment):
    info = entry("x")
    info.pax_headers = {"mtime": str(moment)}
    (tmp_path / "a").write_bytes(zstandard.compress(tar(info)))
    told = sentence(lambda: unpack(tmp_path / "a", tmp_path / "out"))
    assert "cannot be unpacked" in told or (tmp_path / "out" / "x").stat().st_mtime >= 0


# ---- what a stage leaves to be packed


def nest(folder, depth):
    """Make folders in folders, deeper than a path can name."""
    folder.mkdir()
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        for _ in range(depth):
            os.mkdir("d")  # noqa: PTH102  relative, again and again
            os.chdir("d")
    finally:
        os.chdir(before)
        os.close(before)


@pytest.fixture
def tree(tmp_path):
    """A folder for a tree that is deeper than Python can remove."""
    yield tmp_path / "tree"
    subprocess.run(["rm", "-rf", str(tmp_path / "tree")], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [200, 3000])
def test_a_tree_of_any_depth_ends_in_a_sentence(tmp_path, tree, depth):
    nest(tree, depth)
    with pytest.raises(StageFailed, match="folders deep, 128 are allowed; rename it"):
        entries(tmp_path / "tree")
    with pytest.raises(StageFailed):
        pack_tree(tmp_path / "tree", tmp_path / "a.tar.zst", epoch=1)
    assert not (tmp_path / "a.tar.zst").exists()


@pytest.mark.parametrize("name", [b"a\nb", b"a\xff", b"\x1b[2J"])
def test_a_name_that_no_machine_should_get_ends_in_a_sentence(tmp_path, name):
    (tmp_path / "tree").mkdir()
    open(os.path.join(os.fsencode(tmp_path / "tree"), name), "wb").close()  # noqa: PTH118, PTH123  bytes
    with pytest.raises(StageFailed) as caught:
        pack_tree(tmp_path / "tree", tmp_path / "a.tar.zst", epoch=1)
    assert str(caught.value).isprintable()
