"""Reading a tar.zst from its start to its end, with small memory, and telling when it is broken."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from slipway.model.errors import StageFailed

_BLOCK = 1 << 20
# Small, because a hostile frame grows each four bytes to 128 kB.
_SIP = 1 << 12
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zstandard.ZstdError, zlib.error, EOFError)


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
        msg = f"{archive} cannot be unpacked: it is damaged or cut short ({error})"
        raise StageFailed(msg) from error


@contextmanager
def open_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar.zst whose members are read one after the other.

    Args:
        archive: The file. Where the block ends without an error, it has been read and checked
            to its end.

    Raises:
        EOFError: Its last part is missing.
        zstandard.ZstdError: Its content is not what was packed.
        tarfile.TarError: What is in it is no tar.
    """
    with archive.open("rb") as stream, _tar_of(plain := _Plain(stream)) as tar:
        yield tar
        # The frame's checksum is told at its end, after the tar's own.
        while plain.read(_BLOCK):
            pass


def _tar_of(plain: _Plain) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", plain), mode="r|", bufsize=_BLOCK)


class _Plain:
    """Zstandard's content as a stream that tells a cut end, which `stream_reader` takes for one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj(write_size=_BLOCK)
        self._ready = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; none at the end."""
        while not self._ready and not self._frame.eof:
            packed = self._stream.read(_SIP)
            if not packed:
                msg = "its last part is missing"
                raise EOFError(msg)
            self._ready = memoryview(self._frame.decompress(packed))
        taken, self._ready = self._ready[:size], self._ready[size:]
        return bytes(taken)
