"""Reading a tar.zst from its start to its end, with small memory, and telling when it is broken."""

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

_BLOCK = 1 << 20
_LONGEST_WHY = 200
# Small, because a hostile frame grows each four bytes to 128 kB.
_SIP = 1 << 12
#: Bytes that the headers of one entry may take: its name, its links, its attributes.
_HEADERS = 4 << 20
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zstandard.ZstdError,
    zlib.error,
    EOFError,
    # What the standard library's readers let through: lengths and times that no file has, a
    # password, a way of packing it does not know, names in no encoding.
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)


@contextmanager
def told_when_broken(archive: Path | str) -> Iterator[None]:
    """Turn the errors of a damaged archive into a sentence.

    Args:
        archive: What is being read.

    Raises:
        StageFailed: It is damaged or cut short.
    """
    try:
        yield
    except _BROKEN as error:
        told = " ".join(str(error).split())[:_LONGEST_WHY]
        msg = f"{archive} cannot be unpacked: it is damaged or cut short ({told})"
        raise StageFailed(msg) from error


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar.zst whose members are read one after the other.

    Args:
        archive: The file. Where the block ends without an error, it has been read and checked
            to its end.

    Raises:
        EOFError: Its last part is missing.
        StageFailed: It holds more than an archive may, or a name that no file can have.
        zstandard.ZstdError: Its content is not what was packed.
        tarfile.TarError: What is in it is no tar.
    """
    with archive.open("rb") as stream, _tar_of(plain := _Plain(stream)) as tar:
        tar.plain, tar.allowance = plain, Allowance(archive)
        yield tar
        plain.left = None
        # The frame's checksum is told at its end, after the tar's own.
        while plain.read(_BLOCK):
            pass


def _tar_of(plain: _Plain) -> _Tar:
    return _Tar.open(fileobj=cast("IO[bytes]", plain), mode="r|", bufsize=_BLOCK)


class _Info(tarfile.TarInfo):
    """An entry that tells what is wrong with its header: TarFile takes that for the tar's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        """Return the next entry; errors as those of TarInfo."""
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            # The others are true ends. These have no public names.
            if type(error).__name__ in {"InvalidHeaderError", "SubsequentHeaderError"}:
                cast("_Tar", tar).wrong = str(error)
            raise


class _Tar(tarfile.TarFile):
    """A tar whose entries are counted, and whose headers cannot take all memory."""

    tarinfo = _Info
    wrong = ""
    plain: _Plain | None = None
    allowance: Allowance | None = None

    def next(self) -> tarfile.TarInfo | None:
        """Return the next entry, which TarFile holds in memory as a whole until it is known."""
        if self.plain is not None:
            self.plain.left = _HEADERS
        member = super().next()
        if self.plain is not None:
            self.plain.left = None
        if member is None and self.wrong:
            raise tarfile.ReadError(self.wrong)
        if member is not None and self.allowance is not None:
            self.allowance.take(member.size)
        return member


class _Plain:
    """Zstandard's content as a stream that tells a cut end, which `stream_reader` takes for one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj(write_size=_BLOCK)
        self._ready = memoryview(b"")
        self.left: int | None = _HEADERS
        """Bytes that may be read until it is set anew; None: any."""

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; none at the end."""
        while not self._ready and not self._frame.eof:
            packed = self._stream.read(_SIP)
            if not packed:
                msg = "its last part is missing"
                raise EOFError(msg)
            self._ready = memoryview(self._frame.decompress(packed))
        taken, self._ready = self._ready[:size], self._ready[size:]
        if self.left is not None:
            self.left -= len(taken)
            if self.left < 0:
                msg = "the header of an entry is larger than any that is true"
                raise tarfile.ReadError(msg)
        return bytes(taken)
