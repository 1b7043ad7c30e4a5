"""Import tables of binaries, sound and damaged."""

import random
import sys
from pathlib import Path

import pytest

from slipway.scripts.binaries import elf, pe
from slipway.scripts.binaries.binary import read_binary, read_tree

from .binaries import portable

#: The interpreter, or a library of it that holds the code.
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's own binaries")


@pytest.fixture
def file(tmp_path):
    def write(data, name="x.dll"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("wide", [True, False])
def test_a_dll_and_what_it_loads(file, wide):
    data = portable(["KERNEL32.dll", "python311.dll"], ["Late.DLL"], version=(6, 2), wide=wide)
    found = read_binary(file(data))
    assert found.is_windows
    assert found.needs == ("kernel32.dll", "python311.dll")
    assert found.delayed == ("late.dll",)
    assert (found.machine, found.floor) == ("x86-64", (6, 2))


def test_a_dll_that_loads_nothing(file):
    found = read_binary(file(portable(machine=0x14C)))
    assert (found.needs, found.delayed, found.machine) == ((), (), "x86")


@linux
def test_binaries_of_this_machine():
    found = read_binary(Path(sys.executable).resolve())
    assert "libc.so.6" in found.needs
    assert not found.is_windows
    assert found.floor >= (2, 2)
    libc = next(
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if "libc.so" in line
    )
    assert read_binary(Path(libc)).soname == "libc.so.6"


@pytest.mark.parametrize(
    "data",
    [b"", b"M", b"MZ", b"\x7fELF", b"MZ" + bytes(58) + b"\xff" * 4, b"text", b"\x7fELF" * 50],
)
def test_what_is_no_binary(file, data):
    assert read_binary(file(data)) is None


def test_a_folder_a_link_and_what_is_gone(tmp_path):
    (tmp_path / "folder.dll").mkdir()
    (tmp_path / "x.dll").write_bytes(portable(["a.dll"]))
    (tmp_path / "link.dll").symlink_to("x.dll")
    (tmp_path / "loop.dll").symlink_to("loop.dll")
    assert [str(one.path) for one in read_tree(tmp_path)] == ["x.dll"]
    assert read_binary(tmp_path / "folder.dll") is None
    assert read_binary(tmp_path / "gone.dll") is None


def damaged(data, rounds):
    """Yield copies of a binary that are cut off or changed in a few bytes."""
    chance = random.Random(7)
    for length in range(0, len(data), 7):
        yield data[:length]
    for _ in range(rounds):
        copy = bytearray(data)
        for _ in range(chance.randrange(1, 9)):
            copy[chance.randrange(min(len(copy), 2048))] = chance.choice((0, 1, 0x7F, 0xFF))
        yield bytes(copy)


@pytest.mark.timeout(60)
def test_damaged_dlls_are_read_or_refused(file):
    for data in damaged(portable(["a.dll", "b.dll"], ["c.dll"]), 3000):
        found = pe.read(file(data))
        assert found is None or len(found.needs) < 5000


@linux
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_damaged_elf_files_are_read_or_refused(file):
    import _ctypes

    data = Path(_ctypes.__file__).read_bytes()[:60_000]
    for copy in list(damaged(data, 500))[-700:]:
        found = elf.read(file(copy, "x.so"))
        assert found is None or len(found.needs) < 5000


def test_a_table_without_end_is_damage(file):
    # All of the file is one long table whose names are valid.
    data = portable(["a.dll"])
    endless = data[:0x400] + data[0x400:0x406] + b"\0\0" + b"\x00\x10\0\0" * 40_000
    assert pe.read(file(endless)) is None or pe.read(file(endless)).needs is not None
