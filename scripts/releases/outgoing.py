"""A release on its way to a target: its files, and how they are read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from slipway.model.errors import StageFailed
from slipway.scripts.opened_files import open_plain
from slipway.scripts.releases.manifest import Manifest

__all__ = ["OutgoingFile", "OutgoingRelease", "OutgoingStream", "Pointers"]


@dataclass(frozen=True)
class OutgoingFile:
    """One file of a release."""

    name: str
    """Its name in the release, checked: no path, no control characters."""
    path: Path
    """Where it lies on this machine."""
    size: int
    """Bytes."""
    sha256: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True)
class OutgoingRelease:
    """A whole release: all that a target gets."""

    manifest: Manifest
    files: tuple[OutgoingFile, ...]
    """In the order in which they are to be brought; release.json is the last."""

    @property
    def project(self) -> str:
        """The project's name."""
        return self.manifest.project

    @property
    def version(self) -> str:
        """The release's version."""
        return self.manifest.version

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(one.size for one in self.files)


@dataclass(frozen=True)
class Pointers:
    """What lies beside the releases and does change: the newest release, channels and pages."""

    latest: str
    """The version that `latest` stands for."""
    channels: dict[str, str]
    """The version of each channel."""
    files: tuple[OutgoingFile, ...] = ()
    """Pages and feeds; here a name may be a path with slashes, such as channels/beta.json."""


class OutgoingStream:
    """A file that is being sent: a plain reader that counts, slows down and can be stopped.

    It has what HTTP, SFTP and S3 clients ask of a file: `read`, `seek`, `tell`, `len`.
    """

    def __init__(
        self, file: OutgoingFile, passed: Callable[[int], None] = lambda _count: None
    ) -> None:
        """Open the file.

        Args:
            file: The file.
            passed: Called with the number of bytes of each block before it is handed on; it may
                wait (a bandwidth limit) or raise (the stage is stopped).

        Raises:
            StageFailed: It cannot be read, or is another than was announced.
        """
        self.file, self._passed = file, passed
        try:
            opened = open_plain(Path(os.path.realpath(file.path.parent)), (file.path.name,))
        except OSError as error:
            msg = f"{file.path} cannot be read: {error.strerror}"
            raise StageFailed(msg) from None
        self._stream: BinaryIO = os.fdopen(opened, "rb")
        self._facts = self._look()
        if self._facts[0] != file.size:
            self.close()
            raise StageFailed(self._changed())

    def __len__(self) -> int:
        """Return the size in bytes."""
        return self.file.size

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def _look(self) -> tuple[int, int]:
        facts = os.fstat(self._stream.fileno())
        return facts.st_size, facts.st_mtime_ns

    def _changed(self) -> str:
        return f'"{self.file.name}" was changed while it was published: {self.file.path}'

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            StageFailed: The file was changed meanwhile.
        """
        data = self._stream.read(count)
        if self._look() != self._facts:
            raise StageFailed(self._changed())
        self._passed(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Continue at another offset."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the offset."""
        return self._stream.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
