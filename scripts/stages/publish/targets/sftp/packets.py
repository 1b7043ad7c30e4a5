"""Requests and answers of SFTP, version 3, as bytes.

The protocol is draft-ietf-secsh-filexfer-02, the one that servers speak; the extensions are those
of OpenSSH's file PROTOCOL.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Answer", "Attributes", "Code", "Kind", "Malformed", "number", "packed", "text", "wide"]


class Kind(IntEnum):
    """The kinds of packets."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """What a status says."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    UNSUPPORTED = 8


class Malformed(Exception):
    """An answer that no server gives."""


@dataclass(frozen=True)
class Attributes:
    """What the server says of a file; None: it does not say."""

    size: int | None = None
    mode: int | None = None
    changed: int | None = None
    """Seconds since 1970, by the server's clock."""

    @property
    def is_file(self) -> bool:
        """True: a plain file."""
        return self.mode is not None and stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """True: a folder."""
        return self.mode is not None and stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """True: a symbolic link."""
        return self.mode is not None and stat.S_ISLNK(self.mode)


def number(value: int) -> bytes:
    """Encode a number of 32 bits."""
    return struct.pack(">I", value)


def wide(value: int) -> bytes:
    """Encode a number of 64 bits."""
    return struct.pack(">Q", value)


def text(value: str | bytes) -> bytes:
    """Encode a string: its length, then its bytes."""
    data = value.encode() if isinstance(value, str) else value
    return number(len(data)) + data


def packed(kind: Kind, *parts: bytes) -> bytes:
    """Encode a packet with its length before it."""
    body = b"".join(parts)
    return struct.pack(">IB", len(body) + 1, kind) + body


class Answer:
    """A packet of the server, read from its beginning; each read is bounded by its length."""

    def __init__(self, data: bytes) -> None:
        """Take the packet's kind and the number of the request that it answers.

        Raises:
            Malformed: It is too short.
        """
        self._data, self._at = data, 0
        self.kind = self.take(1)[0]
        self.request = self.number()

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            Malformed: There are fewer.
        """
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            msg = "an answer ends too early"
            raise Malformed(msg)
        self._at += count
        return found

    def number(self) -> int:
        """Return the next 32 bits."""
        return int.from_bytes(self.take(4), "big")

    def wide(self) -> int:
        """Return the next 64 bits."""
        return int.from_bytes(self.take(8), "big")

    def bytes(self) -> bytes:
        """Return the next string as bytes."""
        return self.take(self.number())

    def text(self) -> str:
        """Return the next string; what is not UTF-8 in it is kept, as names of files are."""
        return self.bytes().decode("utf-8", "surrogateescape")

    @property
    def rest(self) -> int:
        """The number of bytes that were not read yet."""
        return len(self._data) - self._at

    def attributes(self) -> Attributes:
        """Return the next attributes."""
        flags = self.number()
        size = self.wide() if flags & 1 else None
        if flags & 2:
            self.take(8)
        mode = self.number() if flags & 4 else None
        changed = None
        if flags & 8:
            self.number()
            changed = self.number()
        if flags & 0x80000000:
            for _ in range(self.number()):
                self.bytes()
                self.bytes()
        return Attributes(size, mode, changed)
