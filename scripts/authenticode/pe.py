"""Read where a Windows binary's signature is, and compute the digest that it signs.

Source of the layout: "PE Format", https://learn.microsoft.com/windows/win32/debug/pe-format, and
"Windows Authenticode Portable Executable Signature Format".
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["SUFFIXES", "Binary", "DamagedBinary", "looks_like_pe", "read_pe"]

#: Files that Windows loads as binaries.
SUFFIXES = frozenset({".exe", ".dll", ".pyd", ".ocx", ".cpl", ".scr", ".sys"})
_PE32, _PE32_PLUS = 0x10B, 0x20B
_MOST_SECTIONS = 96
#: The number of the directory that names the signatures.
_SECURITY = 4
_HEADER = struct.Struct("<IHH")
#: WIN_CERT_TYPE_PKCS_SIGNED_DATA.
_PKCS7 = 2
_ALIGNED = 8
_BLOCK = 1 << 20
#: Bytes of all signatures; real ones have some ten thousand.
_LARGEST = 16 << 20


class DamagedBinary(Exception):
    """A file that begins like a Windows binary and is none; the message continues "it"."""


@dataclass(frozen=True)
class Binary:
    """The places in a binary that the digest leaves out."""

    file: Path
    size: int
    checksum_at: int
    directory_at: int
    """Where the header says where the signatures are."""
    signed_size: int
    """Bytes before the signatures; all of an unsigned file."""

    @property
    def is_signed(self) -> bool:
        """True: it holds signatures, valid or not."""
        return self.signed_size < self.size

    def digest(self, algorithm: str) -> bytes:
        """Return the Authenticode digest.

        Args:
            algorithm: Its name in hashlib.
        """
        made = hashlib.new(algorithm)
        with self.file.open("rb") as stream:
            for start, end in (
                (0, self.checksum_at),
                (self.checksum_at + 4, self.directory_at),
                (self.directory_at + 8, self.signed_size),
            ):
                stream.seek(start)
                for block in _blocks(stream, end - start):
                    made.update(block)
        # Signing fills up what comes before the signatures.
        made.update(bytes(-self.signed_size % _ALIGNED))
        return made.digest()

    def signatures(self) -> list[bytes]:
        """Return the signatures, each as PKCS #7 in DER.

        Raises:
            DamagedBinary: Their lengths are impossible.
        """
        with self.file.open("rb") as stream:
            stream.seek(self.signed_size)
            table = stream.read(self.size - self.signed_size)
        found, place = [], 0
        while place + _HEADER.size <= len(table):
            length, _, kind = _HEADER.unpack_from(table, place)
            if not _HEADER.size <= length <= len(table) - place:
                msg = "has signatures of impossible lengths"
                raise DamagedBinary(msg)
            if kind == _PKCS7:
                found.append(table[place + _HEADER.size : place + length])
            place += length + -length % _ALIGNED
        return found


def looks_like_pe(file: Path) -> bool:
    """Return whether a file begins as all Windows binaries do."""
    with file.open("rb") as stream:
        return stream.read(2) == b"MZ"


def read_pe(file: Path) -> Binary:
    """Read a Windows binary's headers.

    Raises:
        DamagedBinary: It is none, cut short, or its headers are impossible.
    """
    with file.open("rb") as stream:
        return _Reader(file, stream).read()


class _Reader:
    def __init__(self, file: Path, stream: BinaryIO) -> None:
        self._file, self._stream = file, stream
        self._size = os.fstat(stream.fileno()).st_size

    def _unpack(self, layout: str, place: int) -> tuple[Any, ...]:
        self._stream.seek(place)
        length = struct.calcsize(layout)
        data = self._stream.read(length)
        if len(data) != length:
            msg = "ends within its headers"
            raise DamagedBinary(msg)
        return struct.unpack(layout, data)

    def _number(self, place: int) -> int:
        """Return a number of 32 bits."""
        return int.from_bytes(self._unpack("4s", place)[0], "little")

    def read(self) -> Binary:
        """Return the places.

        Raises:
            DamagedBinary: It is no whole binary.
        """
        start = self._number(0x3C)
        if self._unpack("<2s", 0) != (b"MZ",) or self._unpack("<4s", start) != (b"PE\0\0",):
            msg = "is no Windows binary"
            raise DamagedBinary(msg)
        _, sections, _, _, _, optional = self._unpack("<HHIIIH", start + 4)
        header = start + 24
        (kind,) = self._unpack("<H", header)
        if kind not in {_PE32, _PE32_PLUS} or sections > _MOST_SECTIONS:
            msg = "has impossible headers"
            raise DamagedBinary(msg)
        directories = header + (96 if kind == _PE32 else 112)
        count = self._number(directories - 4)
        if count <= _SECURITY or directories + 8 * (_SECURITY + 1) > header + optional:
            msg = "has no room for a signature in its headers"
            raise DamagedBinary(msg)
        self._check_sections(header + optional, sections)
        directory = directories + 8 * _SECURITY
        signed = self._signed_size(*self._unpack("<II", directory))
        return Binary(self._file, self._size, header + 64, directory, signed)

    def _check_sections(self, place: int, sections: int) -> None:
        for number in range(sections):
            length, at = self._unpack("<II", place + 40 * number + 16)
            if at and at + length > self._size:
                msg = "is cut short: a section of it lies behind its end"
                raise DamagedBinary(msg)

    def _signed_size(self, place: int, length: int) -> int:
        """Return the number of bytes before the signatures."""
        if not place and not length:
            return self._size
        if place % _ALIGNED or not 0 < length <= _LARGEST or place + length != self._size:
            msg = "was altered or cut short after it was signed: its signature is not at its end"
            raise DamagedBinary(msg)
        return place


def _blocks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0:
        block = stream.read(min(length, _BLOCK))
        if not block:
            return
        length -= len(block)
        yield block
