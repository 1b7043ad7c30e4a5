"""Artefact store in a folder: files are named by their SHA-256 and written atomically."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from filelock import FileLock, Timeout

from slipway.model.errors import SlipwayError

__all__ = ["Incoming", "Store", "StoreError"]

_HASH = re.compile(r"[0-9a-f]{64}")
_DAY = 86400.0
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class StoreError(SlipwayError):
    """The store cannot take or return a file; the message says which, why and what to do."""


class Store:
    """Files by their SHA-256 below one folder, which is created when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Return the path of a file, which may not exist.

        Raises:
            StoreError: The text is no SHA-256, and could escape the store.
        """
        if not _HASH.fullmatch(sha256):
            msg = f"{sha256!r} is no SHA-256 in lower-case hexadecimal digits"
            raise StoreError(msg)
        return self.root / sha256[:2] / sha256[2:]

    def has(self, sha256: str) -> bool:
        """Return whether a file exists."""
        return self.path(sha256).is_file()

    def check_room(self, size: int) -> None:
        """Check that a stage's artefacts do not take too much of the free space.

        Raises:
            StoreError: They take more than half of the free space.
        """
        with contextlib.suppress(FileNotFoundError):
            free = shutil.disk_usage(self.root).free
            if size > free // 2:
                msg = (
                    f"this stage would leave {size:,} bytes; the artefact store {self.root} has "
                    f"{free:,} bytes free, and one stage may take half of them; free some space"
                )
                raise StoreError(msg)

    def open_incoming(self) -> Incoming:
        """Return a writer for a file that arrives in blocks."""
        return Incoming(self)

    def files(self) -> Iterator[Path]:
        """Yield the paths of all complete files."""
        yield from self.root.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 62)

    @contextlib.contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Lock the store; backups and deletions of files hold this lock.

        Args:
            patience: Seconds to wait for another holder.

        Raises:
            StoreError: The lock is held for longer.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / "held.lock").acquire(timeout=patience):
                yield
        except Timeout:
            msg = (
                f"the artefact store {self.root} is held by another `slipway backup` or "
                "`slipway prune`; try again when that has ended"
            )
            raise StoreError(msg) from None

    def sweep(self, age: float = _DAY) -> int:
        """Delete the leftovers of interrupted uploads.

        Args:
            age: Minimum seconds since the last write to a partial file.

        Returns:
            The number of deleted files.
        """
        removed = 0
        for path in (self.root / "incoming").glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > age:
                    path.unlink()
                    removed += 1
        return removed


class Incoming:
    """A file being written to the store: hashed on arrival, and invisible until committed.

    As a context manager it aborts unless it was committed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        folder = store.root / "incoming"
        with self._store_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._part = folder / f"{secrets.token_hex(16)}.part"
            self._stream: BinaryIO = self._part.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def write(self, data: bytes) -> None:
        """Append a block.

        Raises:
            StoreError: The disk is full; the partial file is deleted.
        """
        self._hash.update(data)
        with self._store_errors():
            self._stream.write(data)

    def commit(self, expected_sha256: str, expected_size: int) -> Path:
        """Move the file atomically to its place, if its hash and size are as announced.

        Returns:
            Its path in the store.

        Raises:
            StoreError: The hash or size differs, or the disk is full; the partial file is deleted.
        """
        found = self._hash.hexdigest()
        target = self._store.path(expected_sha256)
        with self._store_errors():
            size = self._stream.tell()
            if (found, size) != (expected_sha256, expected_size):
                self.abort()
                msg = (
                    f"an artefact arrived altered or cut short: {size} bytes, sha256 {found} "
                    f"instead of {expected_size} bytes, sha256 {expected_sha256}; send it again"
                )
                raise StoreError(msg)
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            target.parent.mkdir(exist_ok=True)
            self._put_in_place(target)
        return target

    def _put_in_place(self, target: Path) -> None:
        try:
            # Replaces an existing file too: uploading it again repairs a damaged one.
            self._part.replace(target)
        except PermissionError:
            # Windows denies this while the existing file is being read; it has the same content.
            if not target.is_file():
                raise
            self._part.unlink()
        if os.name == "posix":
            descriptor = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def abort(self) -> None:
        """Delete the partial file. No-op after `commit`."""
        # close() flushes, which fails again if the disk is full.
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if hasattr(self, "_stream"):
                self.abort()
            why = "the disk is full; free some space" if error.errno in _FULL else error.strerror
            msg = f"the artefact store {self._store.root} cannot take a file: {why}"
            raise StoreError(msg) from error
