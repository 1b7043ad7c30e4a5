"""Looking for secrets in files that are to be left: in their bytes, and in what is packed there."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import IO, BinaryIO, cast

import zstandard

from slipway.model.masking import byte_forms

_BLOCK = 1 << 20
_GAPS = b" \t\r\n\v\f"
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
        self._reach = max(map(len, found), default=1) - 1

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
        wanted, kept = None, b""
        while block := stream.read(_BLOCK):
            if wanted is None:
                wanted = self._in_binaries if b"\0" in block else self._in_texts
            # A secret may be split over lines, and over blocks.
            text = kept + block.translate(None, _GAPS)
            if any(one in text for one in wanted):
                return True
            kept = text[-self._reach :]
        return False
