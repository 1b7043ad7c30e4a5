"""Parts of a file as bodies of requests: read when they are sent, never held in memory."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from slipway.model.errors import StageFailed
from slipway.scripts.opened_files import open_plain
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream

__all__ = ["Algorithm", "Body", "Source"]

Algorithm = Literal["sha256", "md5"]

_BLOCK = 1 << 18


class Source:
    """A file that several requests send parts of at a time."""

    def __init__(self, file: OutgoingFile, stream: OutgoingStream) -> None:
        """Initialize.

        Args:
            file: The file.
            stream: It, open. What is sent is read from it, one block at a time: it counts, slows
                down, and notices a change of the file.
        """
        self.file, self._stream = file, stream
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        """Set: nothing more is sent, because another part has failed."""

    def sent_block(self, start: int, count: int) -> bytes:
        """Return bytes that are about to be sent.

        Raises:
            StageFailed: The file was changed, or another part has failed.
        """
        with self._lock:
            if self.stopped.is_set():
                msg = f'"{self.file.name}" is no longer sent'
                raise StageFailed(msg)
            self._stream.seek(start)
            return self._stream.read(count)

    def open(self) -> BinaryIO:
        """Open the file once more, for what is not sent: hashing.

        Raises:
            StageFailed: It cannot be read.
        """
        path = self.file.path
        try:
            opened = open_plain(Path(os.path.realpath(path.parent)), (path.name,))
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}"
            raise StageFailed(msg) from None
        return os.fdopen(opened, "rb")


class Body:
    """A part of a file as the body of a request.

    It reads the file by itself while the request is signed, and from the stream, which counts, when
    it is sent: `be_quiet` and `count` tell it which.
    """

    def __init__(
        self, source: Source, start: int = 0, size: int | None = None, sha256: str | None = None
    ) -> None:
        """Initialize; nothing is read.

        Args:
            source: The file.
            start: Where the part begins.
            size: Its bytes. None: all of the file's.
            sha256: Its hash, hexadecimal, which is then signed. None: not known.
        """
        self.sha256 = sha256
        self._source, self._start = source, start
        self._size = source.file.size if size is None else size
        self._at = 0
        self._quiet: BinaryIO | None = None

    def __len__(self) -> int:
        """Return its bytes."""
        return self._size

    def __bool__(self) -> bool:
        """Return True: an empty body is one, too."""
        return True

    def tell(self) -> int:
        """Return the offset."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Continue at another offset."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, min(self._size, base + offset))
        return self._at

    def read(self, count: int | None = -1) -> bytes:
        """Return the next bytes."""
        left = self._size - self._at
        wanted = left if count is None or count < 0 else min(count, left)
        start = self._start + self._at
        if self._quiet is None:
            data = self._source.sent_block(start, wanted)
        else:
            self._quiet.seek(start)
            data = self._quiet.read(wanted)
        self._at += len(data)
        return data

    def be_quiet(self) -> None:
        """Read without counting from now on."""
        if self._quiet is None:
            self._quiet = self._source.open()

    def count(self) -> None:
        """Read what is sent from now on."""
        if self._quiet is not None:
            self._quiet.close()
        self._quiet = None

    def digest(self, algorithm: Algorithm) -> bytes:
        """Return its hash, read from the disk; nothing is counted."""
        found = hashlib.new(algorithm, usedforsecurity=False)
        for block in self._blocks():
            found.update(block)
        return found.digest()

    def _blocks(self) -> Iterator[bytes]:
        with self._source.open() as opened:
            opened.seek(self._start)
            left = self._size
            while left and (block := opened.read(min(_BLOCK, left))):
                left -= len(block)
                yield block
