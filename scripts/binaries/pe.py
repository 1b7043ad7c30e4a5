"""Read the import tables of Windows binaries.

Source of the layout: "PE Format", https://learn.microsoft.com/windows/win32/debug/pe-format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slipway.scripts.binaries.tables import Damaged, Imports, Table, read_file

__all__ = ["read"]

_MACHINES = {0x14C: "x86", 0x8664: "x86-64", 0xAA64: "arm64"}
_PE32, _PE32_PLUS = 0x10B, 0x20B
_IMPORTS, _DELAYED = 1, 13
_MOST_SECTIONS, _MOST_LIBRARIES = 96, 4096
#: Of a delay-load descriptor: its addresses are relative ones. Only Visual C++ 6 wrote others.
_RELATIVE = 1


def read(file: Path) -> Imports | None:
    """Read a PE file; None: it is none, or damaged."""
    return read_file(file, lambda table: _Reader(table).read())


class _Reader:
    def __init__(self, table: Table) -> None:
        self._table = table
        start = table.number(0x3C)
        if table.unpack("<4s", start) != (b"PE\0\0",):
            raise Damaged
        self._machine, sections, _, _, _, optional = table.unpack("<HHIIIH", start + 4)
        self._optional = start + 24
        (kind,) = table.unpack("<H", self._optional)
        if kind not in {_PE32, _PE32_PLUS} or sections > _MOST_SECTIONS:
            raise Damaged
        self._directories = self._optional + (96 if kind == _PE32 else 112)
        self._count = table.number(self._directories - 4)
        self._sections = [
            # Size in memory, address in memory, size in the file, place in the file.
            table.unpack("<IIII", self._optional + optional + 40 * number + 8)
            for number in range(sections)
        ]

    def read(self) -> Imports:
        """Return the tables.

        Raises:
            Damaged: A name is outside the file.
        """
        # The subsystem's version decides whether Windows starts it; linkers keep the other low.
        floor = self._table.unpack("<HH", self._optional + 48)
        needs = self._names(_IMPORTS, size=20, name_at=12)
        delayed = self._names(_DELAYED, size=32, name_at=4, flags_at=0)
        machine = _MACHINES.get(self._machine, f"0x{self._machine:x}")
        return Imports(is_windows=True, machine=machine, needs=needs, delayed=delayed, floor=floor)

    def _names(
        self, number: int, *, size: int, name_at: int, flags_at: int | None = None
    ) -> tuple[str, ...]:
        if number >= self._count:
            return ()
        address, length = self._table.unpack("<II", self._directories + 8 * number)
        if not address or not length:
            return ()
        return tuple(dict.fromkeys(self._entries(address, size, name_at, flags_at)))

    def _entries(
        self, address: int, size: int, name_at: int, flags_at: int | None
    ) -> Iterator[str]:
        place = self._place(address)
        for number in range(_MOST_LIBRARIES):
            entry = place + number * size
            name = self._table.number(entry + name_at)
            if not name:
                return
            if flags_at is not None and not self._table.number(entry + flags_at) & _RELATIVE:
                return
            yield self._table.text(self._place(name)).lower()
        raise Damaged

    def _place(self, address: int) -> int:
        """Return the place in the file of an address in memory."""
        for in_memory, start, in_file, place in self._sections:
            if start <= address < start + max(in_memory, in_file):
                inside = address - start
                if inside >= in_file:
                    break
                return int(place + inside)
        raise Damaged
