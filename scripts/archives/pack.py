"""Pack a folder reproducibly: the same bytes on every machine, at any time.

Dates, owners, umask, order, time zone and number of cores do not influence the output. These do:
the files, `epoch`, the level, and the versions of zstandard (its wheels bundle their own library)
and, for zip, of zlib.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

import zstandard

from slipway.model.errors import StageFailed
from slipway.scripts.archives.entries import Entry, entries
from slipway.scripts.archives.unpack import unpack
from slipway.scripts.archives.zip_writer import pack_zip, write_zip
from slipway.scripts.atomic_files import written_aside

__all__ = ["pack_tree", "pack_zip", "unpack", "write_tar", "write_zip"]

# With at least one worker thread, zstd cuts its input into jobs of this size; the output depends on
# the cuts, not on the number of threads. Without worker threads the output differs.
_THREADS = 2
_JOB = 8 << 20
_BLOCK = 1 << 15


def pack_tree(
    folder: Path, target: Path, *, epoch: int, level: int = 10, root: str | None = None
) -> None:
    """Pack a folder as tar.zst, reproducibly.

    Args:
        folder: The tree to pack.
        target: The archive to write, atomically.
        epoch: The time of all entries, in seconds since 1970.
        level: Zstandard's level, 1 to 19.
        root: The archive's single top folder. None: the folder's own name. "": none.

    Raises:
        StageFailed: A link leads out of the tree, a file changed during packing, or the disk is
            full.
        WrongInput: The folder does not exist.
    """
    write_tar(entries(folder, root), target, epoch=epoch, level=level)


def write_tar(listed: Iterable[Entry], target: Path, *, epoch: int, level: int = 10) -> None:
    """Pack entries as tar.zst, in the given order.

    Args:
        listed: The entries; each file is read before the next entry is requested.
        target: The archive to write, atomically.
        epoch: The time of all entries, in seconds since 1970.
        level: Zstandard's level, 1 to 19.

    Raises:
        StageFailed: A file changed during packing, or the disk is full.
    """
    settings = zstandard.ZstdCompressionParameters.from_level(
        level, threads=_THREADS, job_size=_JOB, write_checksum=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=settings)
    with (
        written_aside(target) as stream,
        compressor.stream_writer(stream, closefd=False) as squeezed,
        tarfile.open(
            fileobj=cast("IO[bytes]", squeezed),
            mode="w|",
            bufsize=_BLOCK,
            format=tarfile.PAX_FORMAT,
        ) as tar,
    ):
        for entry in listed:
            _add(tar, entry, epoch)


def _add(tar: tarfile.TarFile, entry: Entry, epoch: int) -> None:
    member = tarfile.TarInfo(entry.name)
    member.mtime = epoch
    member.mode = entry.mode
    if entry.kind == "folder":
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    elif entry.kind == "link":
        member.type = tarfile.SYMTYPE
        member.linkname = entry.link
        tar.addfile(member)
    else:
        member.size = entry.size
        with entry.open() as content:
            try:
                tar.addfile(member, content)
            except OSError as error:
                if error.errno is not None:
                    raise
                msg = f"{entry.path} became shorter while it was packed; run it again"
                raise StageFailed(msg) from error
