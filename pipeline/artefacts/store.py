"""The artefact store as a folder: a file's name is its SHA-256, and it is whole or not there."""

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

_HASH = re.compile(r"[0-9a-f]{64}")
_DAY = 86400.0
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class StoreError(SlipwayError):
    """The store cannot take or give a file: which, why, and what to do."""


class Store:
    """Files by their SHA-256, below one folder that is made when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Return where a file lies, or would.

        Raises:
            StoreError: This is no SHA-256, so it could lead anywhere.
        """
        if not _HASH.fullmatch(sha256):
            msg = f"{sha256!r} is no SHA-256 in lower-case hexadecimal digits"
            raise StoreError(msg)
        return self.root / sha256[:2] / sha256[2:]

    def has(self, sha256: str) -> bool:
        """Tell whether a file is there."""
        return self.path(sha256).is_file()

    def check_room(self, size: int) -> None:
        """Refuse what one stage would take too much of the free room with.

        Raises:
            StoreError: It is more than half of what is free.
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
        """Return a writer for a file that comes block by block."""
        return Incoming(self)

    def files(self) -> Iterator[Path]:
        """Return every whole file that is kept."""
        yield from self.root.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 62)

    @contextlib.contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Hold what is kept: who removes files does it while holding the store, too.

        Args:
            patience: Seconds to wait for somebody else who holds it.

        Raises:
            StoreError: Somebody holds it longer.
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
        """Remove what killed uploads left behind.

        Args:
            age: Seconds since a half-written file was last written to.

        Returns:
            How many were removed.
        """
        removed = 0
        for path in (self.root / "incoming").glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > age:
                    path.unlink()
                    removed += 1
        return removed


class Incoming:
    """A file on its way into the store: hashed as it comes, invisible until committed.

    As a context manager it aborts unless it was committed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        folder = store.root / "incoming"
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            self._part = folder / f"{secrets.token_hex(16)}.part"
            self._stream: BinaryIO = self._part.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()

    def write(self, data: bytes) -> None:
        """Take the next block.

        Raises:
            StoreError: The disk is full; nothing is left of the file.
        """
        self._hash.update(data)
        with self._told():
            self._stream.write(data)

    def commit(self, expected_sha256: str, expected_size: int) -> Path:
        """Put the file under its hash, when it is what was announced.

        Returns:
            Where it lies now.

        Raises:
            StoreError: It is another file, or the disk is full; nothing is left of it.
        """
        found = self._hash.hexdigest()
        target = self._store.path(expected_sha256)
        with self._told():
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
            self._settle(target)
        return target

    def _settle(self, target: Path) -> None:
        try:
            # Also over one that is there: so a damaged file is mended by sending it again.
            self._part.replace(target)
        except PermissionError:
            # Windows, while somebody reads the one that is there: it is the same file.
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
        """Forget the file; harmless after `commit`."""
        # Closing flushes, which fails again on the full disk that made us give up.
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if hasattr(self, "_stream"):
                self.abort()
            why = "the disk is full; free some space" if error.errno in _FULL else error.strerror
            msg = f"the artefact store {self._store.root} cannot take a file: {why}"
            raise StoreError(msg) from error
