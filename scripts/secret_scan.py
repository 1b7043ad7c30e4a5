"""Search files that are to be left for secrets: their bytes, and the contents of archives."""

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

__all__ = ["SecretSearch"]

_BLOCK = 1 << 20
_GAPS = b" \t\r\n\v\f"
_GAP = re.compile(r"[ \t\r\n\v\f]")
#: Each pattern begins with a rare character, which keeps the search fast.
_TRACES = (
    re.compile(rb"%[0-9A-Fa-f]{2}"),
    re.compile(rb"&(?:amp;){0,3}#[0-9Xx]"),
    re.compile(rb"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f{]|U000|[0-3][0-7]{2})"),
    re.compile(rb"\x1b[\[\]]"),
)
#: Byte order marks of UTF-16: such a file is text although it is full of NULs.
_MARKS = (b"\xff\xfe", b"\xfe\xff")
#: Most bytes per character if it is written as a character code, with colour codes between.
_CODE = 32
#: Shorter forms occur by chance in binary files.
_SHORTEST_IN_BINARY = 8
#: Errors of files that are not such an archive, truncated or encrypted; the raw bytes were
#: searched.
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
    """A search for secrets in all the encodings in which texts mask them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Prepare the search.

        Args:
            secrets: The values.
        """
        found = byte_forms(secrets)
        self._in_texts = sorted(found)
        self._in_binaries = [one for one in self._in_texts if len(one) >= _SHORTEST_IN_BINARY]
        # Latin-1: one byte is one character while a file is decoded as it is read.
        self._coded = {
            size: [one.decode("latin-1") for one in self._in_texts if len(one) >= size]
            for size in (SHORTEST, _SHORTEST_IN_BINARY)
        }
        self._longest = max(map(len, found), default=1)
        self._reach = _CODE * self._longest

    def place(self, stream: BinaryIO) -> str | None:
        """Return the place of the first secret in a file.

        Args:
            stream: The file, at its beginning.

        Returns:
            The name of the zip member; empty for the file itself; None if there is no secret.
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
            # A secret may be split across lines and blocks.
            text = kept + block.translate(None, _GAPS)
            if self._contains(text, size):
                return True
            kept = text[-self._reach :]
        return False

    def _contains(self, text: bytes, size: int) -> bool:
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
    """Yield the parts of a text that contain character codes or colour codes.

    Binary files have few of them; decoding the whole text would take ten times as long.
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
