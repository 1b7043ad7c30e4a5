"""Read the dynamic section of ELF binaries.

Source of the layout: elf(5), and the Linux Standard Base's chapter "Symbol Versioning".
"""

from __future__ import annotations

import re
from pathlib import Path

from slipway.scripts.binaries.tables import Damaged, Imports, Table, read_file

__all__ = ["read"]

_MACHINES = {
    3: "x86",
    62: "x86-64",
    183: "arm64",
    40: "arm",
    243: "riscv",
    21: "ppc64",
    22: "s390x",
}
_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
_MOST = 4096
#: ELFCLASS64.
_WIDE = 2
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)*")
_KINDS = {2, 3}  # an executable, a shared object


def read(file: Path) -> Imports | None:
    """Read an ELF file; None: it is none, damaged, or not loaded by others (an object file)."""
    return read_file(file, lambda table: _Reader(table).read())


class _Reader:
    def __init__(self, table: Table) -> None:
        self._table = table
        magic, wide, little = table.unpack("4sBB", 0)
        if magic != b"\x7fELF" or wide not in {1, 2} or little not in {1, 2}:
            raise Damaged
        self._order = "<" if little == 1 else ">"
        self._wide = wide == _WIDE
        self._kind, self._machine = self._unpack("HH", 16)
        if self._kind not in _KINDS:
            raise Damaged
        self._segments = list(self._read_segments())

    def _unpack(self, layout: str, place: int) -> tuple[int, ...]:
        return self._table.unpack(self._order + layout, place)

    def _read_segments(self) -> list[tuple[int, int, int, int]]:
        """Return kind, place in the file, address in memory and size of each segment."""
        (start,) = self._unpack("Q", 32) if self._wide else self._unpack("I", 28)
        size, count = self._unpack("HH", 54 if self._wide else 42)
        found = []
        for number in range(min(count, _MOST)):
            place = start + number * size
            if self._wide:
                kind, _, offset, address, _, length = self._unpack("IIQQQQ", place)
            else:
                kind, offset, address, _, length = self._unpack("IIIII", place)
            found.append((kind, offset, address, length))
        return found

    def read(self) -> Imports:
        """Return the tables.

        Raises:
            Damaged: A place is outside the file.
        """
        tags = self._tags()
        text = self._place(tags[_STRTAB][0]) if _STRTAB in tags else 0

        def names(tag: int) -> tuple[str, ...]:
            return tuple(self._table.text(text + offset) for offset in tags.get(tag, ()))

        paths = names(_RUNPATH) or names(_RPATH)
        machine = _MACHINES.get(self._machine, str(self._machine))
        return Imports(
            is_windows=False,
            machine=machine,
            needs=names(_NEEDED),
            soname="".join(names(_SONAME)[:1]),
            search=tuple(entry for path in paths for entry in path.split(":") if entry),
            floor=self._glibc(tags, text),
        )

    def _tags(self) -> dict[int, list[int]]:
        tags: dict[int, list[int]] = {}
        layout, size = ("QQ", 16) if self._wide else ("II", 8)
        for kind, offset, _, length in self._segments:
            if kind != _DYNAMIC:
                continue
            for number in range(min(length // size, _MOST)):
                tag, value = self._unpack(layout, offset + number * size)
                if not tag:
                    break
                tags.setdefault(tag, []).append(value)
        return tags

    def _place(self, address: int) -> int:
        for kind, offset, start, length in self._segments:
            if kind == _LOAD and start <= address < start + length:
                return offset + address - start
        raise Damaged

    def _glibc(self, tags: dict[int, list[int]], text: int) -> tuple[int, ...]:
        """Return the newest version of glibc's symbols that it uses."""
        if _VERNEED not in tags:
            return ()
        newest: tuple[int, ...] = ()
        place = self._place(tags[_VERNEED][0])
        for _ in range(min(tags.get(_VERNEEDNUM, [0])[0], _MOST)):
            _, count, _, first, following = self._unpack("HHIII", place)
            entry = place + first
            for _ in range(min(count, _MOST)):
                _, _, _, name, after = self._unpack("IHHII", entry)
                if match := _GLIBC.fullmatch(self._table.text(text + name)):
                    newest = max(newest, (int(match[1]), int(match[2])))
                entry += after
            if not following:
                break
            place += following
        return newest
