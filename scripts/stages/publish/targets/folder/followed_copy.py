"""Copy a file, and read the copy back while it grows: a disk and a hash take as long as one."""

from __future__ import annotations

import hashlib
import io
import os
import queue
import threading
from pathlib import Path

from slipway.scripts.releases.outgoing import OutgoingStream

__all__ = ["copy_followed"]

_BLOCK = 1 << 18


def copy_followed(stream: OutgoingStream, target: Path) -> str:
    """Copy a file to a new one, synced to the disk.

    Args:
        stream: The file.
        target: The copy; it must not exist.

    Returns:
        The SHA-256 of the copy, as it was read from the file system.

    Raises:
        OSError: It cannot be written, synced or read.
    """
    with target.open("xb", buffering=0) as copy, target.open("rb", buffering=0) as again:
        follower = _Follower(again)
        try:
            while block := stream.read(_BLOCK):
                _write(copy, block)
                follower.follow(len(block))
            # The hash of a copy whose sync fails is of no use: what the disk refuses is told here.
            os.fsync(copy.fileno())
        finally:
            digest = follower.end()
    return digest


def _write(copy: io.FileIO, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[copy.write(left) :]


class _Follower:
    """Reads what was written so far, in a thread of its own."""

    def __init__(self, copy: io.FileIO) -> None:
        self._copy, self._hash = copy, hashlib.sha256()
        self._written: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def follow(self, count: int) -> None:
        """Let it read so many bytes more; none are left out, and none awaited."""
        self._written.put(count)

    def end(self) -> str:
        """Wait until it has read all, and return the hash.

        Raises:
            OSError: It could not read it.
        """
        self._written.put(0)
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._hash.hexdigest()

    def _run(self) -> None:
        buffer = memoryview(bytearray(_BLOCK))
        try:
            while left := self._written.get():
                while left > 0 and (count := self._copy.readinto(buffer[: min(left, _BLOCK)])):
                    self._hash.update(buffer[:count])
                    left -= count
        except OSError as error:
            self._error = error
