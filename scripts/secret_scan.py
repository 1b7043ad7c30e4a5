"""Looking for secrets in files that are to be left: in their bytes, and in what is packed there."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, BinaryIO, cast

import zstandard

from slipway.model.secrets.decoding import as_read
from slipway.model.secrets.forms import SHORTEST, byte_forms

_BLOCK = 1 << 20
_GAPS = b" \t\r\n\v\f"
_GAP = re.compile(r"[ \t\r\n\v\f]")
#: Each begins with a sign of its own, so that it is found soon.
_TRACES = (
    re.compile(rb"%[0-9A-Fa-f]{2}"),
    re.compile(rb"&(?:amp;){0,3}#[0-9Xx]"),
    re.compile(rb"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f{]|U000|[0-3][0-7]{2})"),
    re.compile(rb"\x1b[\[\]]"),
)
#: What UTF-16 begins with: a text, though it is full of NULs.
_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: Bytes that a character may take where it is there by number, with colours between.
_CODE = 32
#: In files that are no text, shorter forms are there by chance.
_SHORTEST_IN_BINARY = 8
#: What is no such archive, is cut short, or is locked with a password: its bytes were looked at.
_UNREADABLE = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, ValueError),
    *(zlib.error, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile),
)


def _zstandard(stream: IO[bytes]) -> IO[bytes]:
    reader = zstandard.ZstdDecompressor().stream_reader(
        stream, read_across_frames=True, closefd=False
    )
    return cast("IO[bytes]", reader)


_PACKED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda stream: cast("IO[bytes]", gzip.GzipFile(fileobj=stream)),
    b"BZh": lambda stream: cast("IO[bytes]", bz2.BZ2File(stream)),
    b"\xfd7zXZ\0": lambda stream: cast("IO[bytes]", lzma.LZMAFile(stream)),  # noqa: SIM115
    b"\x28\xb5\x2f\xfd": _zstandard,
}


class SecretSearch:
    """Looks for certain secrets, whole, in all the ways they are masked in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Make it.

        Args:
            secrets: The values.
        """
        found = byte_forms(secrets)
        self._in_texts = sorted(found)
        self._in_binaries = [one for one in self._in_texts if len(one) >= _SHORTEST_IN_BINARY]
        # One byte is one character where a file is looked at as it is read.
        self._coded = {
            size: [one.decode("latin-1") for one in self._in_texts if len(one) >= size]
            for size in (SHORTEST, _SHORTEST_IN_BINARY)
        }
        self._longest = max(map(len, found), default=1)
        self._reach = _CODE * self._longest

    def place(self, stream: BinaryIO) -> str | None:
        """Return where in a file a secret is.

        Args:
            stream: The file, at its beginning.

        Returns:
            The name of the member of a zip; empty for the file itself; None where there is none.
        """
        if self._is_in(stream):
            return ""
        stream.seek(0)
        start = stream.read(6)
        with contextlib.suppress(*_UNREADABLE):
            for magic, opened in _PACKED.items():
                if start.startswith(magic):
                    stream.seek(0)
                    return "" if self._is_in(opened(stream)) else None
        with contextlib.suppress(*_UNREADABLE):
            if zipfile.is_zipfile(stream):
                return self._member(stream)
        return None

    def _member(self, stream: BinaryIO) -> str | None:
        with zipfile.ZipFile(stream) as packed:
            for one in packed.infolist():
                with contextlib.suppress(*_UNREADABLE), packed.open(one) as member:
                    if self._is_in(member):
                        return one.filename
        return None

    def _is_in(self, stream: IO[bytes]) -> bool:
        size, kept = 0, b""
        while block := stream.read(_BLOCK):
            if not size:
                binary = b"\0" in block and not block.startswith(_MARKS)
                size = _SHORTEST_IN_BINARY if binary else SHORTEST
            # A secret may be split over lines, and over blocks.
            text = kept + block.translate(None, _GAPS)
            if self._holds(text, size):
                return True
            kept = text[-self._reach :]
        return False

    def _holds(self, text: bytes, size: int) -> bool:
        wanted = self._in_texts if size == SHORTEST else self._in_binaries
        if any(one in text for one in wanted):
            return True
        if b"\0" in text:
            text = text.translate(None, b"\0")
            if any(one in text for one in wanted):
                return True
        coded = self._coded[size]
        for piece in _coded_pieces(text, self._longest):
            read = as_read(piece.decode("latin-1"), _GAP) or ""
            if any(one in read for one in coded):
                return True
        return False


def _coded_pieces(text: bytes, reach: int) -> Iterator[bytes]:
    """Yield the parts of a text in which characters are there by number, or colours between them.

    In files that are no text these are few; to read all of them would take ten times as long.
    """
    first, last = 0, -1
    for start, end in sorted(one.span() for trace in _TRACES for one in trace.finditer(text)):
        if start - reach > last:
            if last > first:
                yield text[first:last]
            first = max(0, start - reach)
        last = max(last, end + reach)
    if last > first:
        yield text[first:last]
