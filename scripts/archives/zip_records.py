"""Encode the records of a zip file (APPNOTE 6.3), with ZIP64 where needed."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["COUNT_LIMIT", "DEFLATED", "LIMIT", "STORED", "Record", "write_directory"]

#: Largest size or offset of a plain record; one above it is the marker for ZIP64.
LIMIT = 0xFFFFFFFE
#: Largest number of entries of a plain end record.
COUNT_LIMIT = 0xFFFE

STORED = 0
DEFLATED = 8
_UNIX = 3 << 8
_PLAIN = 20
_ZIP64 = 45
_UTF8 = 0x800
_MARK = 0xFFFFFFFF
_COUNT_MARK = 0xFFFF


@dataclass
class Record:
    """One entry of a zip file; fields not known before its data are set later."""

    name: str
    mode: int
    """The Unix mode, including the file type."""
    date: int
    """The DOS date and time, in UTC."""
    expected: int
    """Expected size in bytes: decides before reading whether this is a ZIP64 entry."""
    offset: int = 0
    method: int = DEFLATED
    crc: int = 0
    packed: int = 0
    size: int = 0

    @property
    def large(self) -> bool:
        """Return True if its sizes need ZIP64; deflate can expand incompressible data a little."""
        return self.expected + (self.expected >> 8) + 1024 > LIMIT

    def local(self) -> bytes:
        """Return the local header; its length is the same before and after the data is known."""
        name = self.name.encode()
        sizes = (_MARK, _MARK) if self.large else (self.packed, self.size)
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.packed) if self.large else b""
        head = struct.pack(
            "<4sHHHLLLLHH",
            b"PK\3\4",
            _ZIP64 if self.large else _PLAIN,
            self._flags(),
            self.method,
            self.date,
            self.crc,
            *sizes,
            len(name),
            len(extra),
        )
        return head + name + extra

    def central(self) -> bytes:
        """Return the entry's record of the central directory."""
        name = self.name.encode()
        far = self.offset > LIMIT
        wide = [self.size, self.packed] if self.large else []
        wide += [self.offset] if far else []
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        needed = _ZIP64 if wide else _PLAIN
        sizes = (_MARK, _MARK) if self.large else (self.packed, self.size)
        is_folder = 0x10 if self.name.endswith("/") else 0
        head = struct.pack(
            "<4sHHHHLLLLHHHHHLL",
            b"PK\1\2",
            _UNIX | needed,
            needed,
            self._flags(),
            self.method,
            self.date,
            self.crc,
            *sizes,
            len(name),
            len(extra),
            0,
            0,
            0,
            (self.mode << 16) | is_folder,
            _MARK if far else self.offset,
        )
        return head + name + extra

    def _flags(self) -> int:
        return 0 if self.name.isascii() else _UTF8


def write_directory(stream: BinaryIO, records: list[Record]) -> None:
    """Write the central directory and the end record."""
    start = stream.tell()
    stream.writelines(record.central() for record in records)
    length, count = stream.tell() - start, len(records)
    if count > COUNT_LIMIT or length > LIMIT or start > LIMIT:
        stream.write(_wide_end(count, length, start))
    shown = count if count <= COUNT_LIMIT else _COUNT_MARK
    sizes = (length if length <= LIMIT else _MARK, start if start <= LIMIT else _MARK)
    stream.write(struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, shown, shown, *sizes, 0))


def _wide_end(count: int, length: int, start: int) -> bytes:
    """Return the ZIP64 end record of the directory, and its locator."""
    made, needed = _UNIX | _ZIP64, _ZIP64
    numbers = (44, made, needed, 0, 0, count, count, length, start)
    end = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", *numbers)
    return end + struct.pack("<4sLQL", b"PK\6\7", 0, start + length, 1)
