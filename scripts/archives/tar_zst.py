"""Stream a tar.zst in bounded memory, and detect damage."""

from __future__ import annotations

import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

import zstandard

from slipway.model.errors import StageFailed
from slipway.scripts.archives.limits import Allowance

__all__ = ["explain_damage", "open_tar"]

_BLOCK = 1 << 20
_LONGEST_WHY = 200
# Small, because a hostile frame can expand every four bytes to 128 kB.
_SIP = 1 << 12
#: Limit in bytes for the headers of one entry: its name, its links, its attributes.
_HEADERS = 4 << 20
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zstandard.ZstdError,
    zlib.error,
    EOFError,
    # Exceptions that the standard library's readers let through: impossible lengths and times, a
    # password, an unknown compression method, names in no valid encoding.
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


@contextmanager
def explain_damage(archive: Path | str) -> Iterator[None]:
    """Turn the errors of a damaged archive into a sentence.

    Args:
        archive: The archive that is read.

    Raises:
        StageFailed: It is damaged or truncated.
    """
    try:
        yield
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:_LONGEST_WHY]
        msg = f"{archive} cannot be unpacked: it is damaged or cut short ({reason})"
        raise StageFailed(msg) from error


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar.zst for sequential reading.

    Args:
        archive: The file. If the block ends without an error, the file has been read and verified
            to its end.

    Raises:
        EOFError: The file is truncated.
        StageFailed: It exceeds the limits of an archive, or holds an invalid name.
        zstandard.ZstdError: The compressed data is corrupt.
        tarfile.TarError: The decompressed data is not a tar.
    """
    with archive.open("rb") as stream, _tar_of(plain := _Plain(stream)) as tar:
        tar.plain, tar.allowance = plain, Allowance(archive)
        yield tar
        plain.remaining = None
        # Read on to the end of the frame: its checksum follows the end of the tar.
        while plain.read(_BLOCK):
            pass


def _tar_of(plain: _Plain) -> _Tar:
    return _Tar.open(fileobj=cast("IO[bytes]", plain), mode="r|", bufsize=_BLOCK)


class _Info(tarfile.TarInfo):
    """A header that records its error, because TarFile takes an invalid header for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        """Return the next entry; raises as `TarInfo.fromtarfile`."""
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            # The other header errors are true ends. These two have no public names.
            if type(error).__name__ in {"InvalidHeaderError", "SubsequentHeaderError"}:
                cast("_Tar", tar).wrong = str(error)
            raise


class _Tar(tarfile.TarFile):
    """A tar that counts its entries and bounds the memory of headers."""

    tarinfo = _Info
    wrong = ""
    plain: _Plain | None = None
    allowance: Allowance | None = None

    def next(self) -> tarfile.TarInfo | None:
        """Return the next entry, or None at the end.

        TarFile reads the whole header into memory, so `_HEADERS` limits it.

        Raises:
            tarfile.ReadError: The header is invalid.
            StageFailed: The archive exceeds a limit.
        """
        if self.plain is not None:
            self.plain.remaining = _HEADERS
        member = super().next()
        if self.plain is not None:
            self.plain.remaining = None
        if member is None and self.wrong:
            raise tarfile.ReadError(self.wrong)
        if member is not None and self.allowance is not None:
            self.allowance.take(member.size)
        return member


class _Plain:
    """A decompressed stream that detects truncation, which `stream_reader` reports as EOF."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj(write_size=_BLOCK)
        self._ready = memoryview(b"")
        self.remaining: int | None = _HEADERS
        """Bytes that may still be read before this is reset; None: unlimited."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end.

        Raises:
            EOFError: The file is truncated.
            tarfile.ReadError: More than `left` bytes were read.
        """
        while not self._ready and not self._frame.eof:
            packed = self._stream.read(_SIP)
            if not packed:
                msg = "its last part is missing"
                raise EOFError(msg)
            self._ready = memoryview(self._frame.decompress(packed))
        taken, self._ready = self._ready[:size], self._ready[size:]
        if self.remaining is not None:
            self.remaining -= len(taken)
            if self.remaining < 0:
                msg = "the header of an entry is larger than any that is true"
                raise tarfile.ReadError(msg)
        return bytes(taken)
