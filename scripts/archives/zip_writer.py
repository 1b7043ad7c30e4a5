"""Write zip archives reproducibly, on all cores.

Files are cut into blocks. Each block is deflated separately, with the end of the previous one as
dictionary, and the pieces are joined into one ordinary deflate stream. The cuts are fixed, so the
number of threads does not influence the output.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from slipway.model.errors import StageFailed
from slipway.scripts.archives import zip_records
from slipway.scripts.archives.entries import Entry, entries
from slipway.scripts.atomic_files import written_aside

__all__ = ["pack_zip", "write_zip"]

_BLOCK = 1 << 20
_WINDOW = 1 << 15
_EARLIEST = 315532800  # 1980-01-01: DOS dates begin there
_LATEST = 4354819198  # and end with 2107
_TYPES = {"file": stat.S_IFREG, "folder": stat.S_IFDIR, "link": stat.S_IFLNK}


def pack_zip(
    folder: Path, target: Path, *, epoch: int, level: int = 6, root: str | None = None
) -> None:
    """Pack a folder as zip, reproducibly.

    Args:
        folder: The tree to pack.
        target: The archive to write, atomically.
        epoch: The time of all entries, in seconds since 1970; at the earliest 1980.
        level: Deflate's level, 1 to 9.
        root: The archive's single top folder. None: the folder's own name. "": none.

    Raises:
        StageFailed: A link leads out of the tree, a file changed during packing, or the disk is
            full.
        WrongInput: The folder does not exist.
    """
    write_zip(entries(folder, root), target, epoch=epoch, level=level)


def write_zip(listed: Iterable[Entry], target: Path, *, epoch: int, level: int = 6) -> None:
    """Pack entries as zip, in the given order.

    Args:
        listed: The entries; each file is read before the next entry is requested.
        target: The archive to write, atomically.
        epoch: The time of all entries, in seconds since 1970; at the earliest 1980.
        level: Deflate's level, 1 to 9.

    Raises:
        StageFailed: A file changed during packing, or the disk is full.
    """
    workers = min(os.cpu_count() or 1, 8)
    with written_aside(target) as stream, ThreadPoolExecutor(workers) as pool:
        writer = _Writer(stream, _dos_date(epoch))
        try:
            for piece in _ahead(_pieces(listed, pool, level), workers * 4):
                writer.take(piece)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        zip_records.write_directory(stream, writer.records)


@dataclass(frozen=True)
class _Piece:
    """One block of an entry, whose compression may still be running."""

    entry: Entry
    work: Future[bytes] | bytes
    raw: int
    crc: int
    """CRC-32 of the entry's data up to and including this block."""
    first: bool = True
    last: bool = True


def _pieces(listed: Iterable[Entry], pool: ThreadPoolExecutor, level: int) -> Iterator[_Piece]:
    """Read all entries once, in order, and submit their blocks to the thread pool."""
    for entry in listed:
        if entry.kind == "file" and entry.size:
            yield from _file_pieces(entry, pool, level)
        else:
            data = entry.link.encode()
            yield _Piece(entry, data, len(data), zlib.crc32(data))


def _file_pieces(entry: Entry, pool: ThreadPoolExecutor, level: int) -> Iterator[_Piece]:
    remaining, crc, before = entry.size, 0, b""
    with entry.open() as content:
        while remaining:
            wanted = min(_BLOCK, remaining)
            block = content.read(wanted)
            if len(block) < wanted:
                msg = f"{entry.path} became shorter while it was packed; run it again"
                raise StageFailed(msg)
            crc = zlib.crc32(block, crc)
            first, remaining = remaining == entry.size, remaining - len(block)
            work = pool.submit(_deflate, block, before, level, last=not remaining)
            yield _Piece(entry, work, len(block), crc, first=first, last=not remaining)
            before = block[-_WINDOW:]


def _deflate(block: bytes, before: bytes, level: int, *, last: bool) -> bytes:
    """Deflate one block so that it can be concatenated with its neighbours."""
    if before:
        squeezer = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=before)
    else:
        squeezer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return squeezer.compress(block) + squeezer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _ahead(pieces: Iterable[_Piece], limit: int) -> Iterator[_Piece]:
    """Read ahead by a bounded number of blocks, to bound the memory."""
    waiting: deque[_Piece] = deque()
    for piece in pieces:
        waiting.append(piece)
        if len(waiting) > limit:
            yield waiting.popleft()
    yield from waiting


class _Writer:
    """Write the pieces in order, and collect the records of the directory."""

    def __init__(self, stream: BinaryIO, date: int) -> None:
        self.records: list[zip_records.Record] = []
        self._stream = stream
        self._date = date

    def take(self, piece: _Piece) -> None:
        """Write one piece; after an entry's last, rewrite its header with sizes and checksum."""
        if piece.first:
            self._begin(piece)
        record = self.records[-1]
        data = piece.work if isinstance(piece.work, bytes) else piece.work.result()
        self._stream.write(data)
        record.size += piece.raw
        record.packed += len(data)
        if piece.last:
            record.crc = piece.crc
            end = self._stream.tell()
            self._stream.seek(record.offset)
            self._stream.write(record.local())
            self._stream.seek(end)

    def _begin(self, piece: _Piece) -> None:
        entry = piece.entry
        record = zip_records.Record(
            name=entry.name + ("/" if entry.kind == "folder" else ""),
            mode=_TYPES[entry.kind] | entry.mode,
            date=self._date,
            expected=entry.size,
            offset=self._stream.tell(),
            method=zip_records.STORED if isinstance(piece.work, bytes) else zip_records.DEFLATED,
        )
        self._stream.write(record.local())
        self.records.append(record)


def _dos_date(epoch: int) -> int:
    """Return a time as a DOS date and time: UTC, with a resolution of two seconds."""
    at = time.gmtime(min(max(epoch, _EARLIEST), _LATEST))
    day = (at.tm_year - 1980) << 9 | at.tm_mon << 5 | at.tm_mday
    return day << 16 | at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2
