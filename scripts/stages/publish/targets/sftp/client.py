"""Speak SFTP over two streams: many requests under way, and bounded memory.

No library is as quick as OpenSSH's own programs: paramiko and asyncssh encrypt in Python's time and
hold each block several times. Here OpenSSH's ssh encrypts, and this sends it the requests.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from slipway.scripts.stages.publish.targets.sftp.packets import (
    Answer,
    Attributes,
    Code,
    Kind,
    Malformed,
    number,
    packed,
    text,
    wide,
)

__all__ = ["POSIX_RENAME", "Blocks", "Gone", "Refused", "Room", "SftpClient", "Streams"]

POSIX_RENAME, _STATVFS, _FSYNC = (
    "posix-rename@openssh.com",
    "statvfs@openssh.com",
    "fsync@openssh.com",
)
_VERSION = 3
#: What every server must take in one packet.
_BLOCK = 32768
#: Requests under way. ssh's own window is 2 MiB.
_UNDER_WAY = 64
_SHORTEST_PACKET, _LONGEST_PACKET = 5, 1 << 18
_MOST_NAMES = 100_000
_READ, _WRITE, _CREATE, _EXCLUSIVE = 1, 2, 8, 32
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_READ_ONLY = 1


class Gone(Exception):
    """The connection is lost, or the other side speaks no SFTP; no further request is possible."""


class Refused(Exception):
    """The server refused a request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Streams(Protocol):
    """Two pipes to a server. Both methods raise `Gone`."""

    def send(self, data: bytes) -> None:
        """Send all bytes."""

    def receive(self, count: int) -> bytes:
        """Return exactly that many bytes."""
        ...


class Blocks(Protocol):
    """What is uploaded."""

    def read(self, count: int = -1, /) -> bytes:
        """Return the next bytes, and none at the end."""
        ...


class Room:
    """What the server says of the file system of a folder."""

    def __init__(self, answer: Answer) -> None:
        """Read an answer to statvfs@openssh.com."""
        _, unit, _, _, available, *_, flags, _ = (answer.wide() for _ in range(11))
        self.free = unit * available
        self.is_read_only = bool(flags & _READ_ONLY)


class SftpClient:
    """One session of SFTP."""

    def __init__(self, streams: Streams) -> None:
        """Greet the server.

        Raises:
            Gone: It does not answer, or speaks something else.
        """
        self._streams, self._last = streams, 0
        self._early: dict[int, Answer] = {}
        streams.send(packed(Kind.INIT, number(_VERSION)))
        self.extensions: set[str] = set()
        with _readable():
            greeting = Answer(self._packet())
            if greeting.kind != Kind.VERSION or greeting.request < _VERSION:
                msg = "the other side speaks no SFTP of version 3"
                raise Gone(msg)
            while greeting.rest:
                self.extensions.add(greeting.text())
                greeting.bytes()

    def _packet(self) -> bytes:
        length = int.from_bytes(self._streams.receive(4), "big")
        if not _SHORTEST_PACKET <= length <= _LONGEST_PACKET:
            # A login shell's greeting, as a rule.
            msg = "the other side speaks no SFTP"
            raise Gone(msg)
        return self._streams.receive(length)

    def _ask(self, kind: Kind, *parts: bytes) -> int:
        """Send a request and return its number, without waiting for the answer."""
        self._last = (self._last + 1) % (1 << 32)
        self._streams.send(packed(kind, number(self._last), *parts))
        return self._last

    def _answer(self, asked: int, expected: Kind) -> Answer:
        """Wait for the answer to a request.

        Raises:
            Refused: The server refused it.
            Gone: The connection is lost, or the answer makes no sense.
        """
        with _readable():
            while asked not in self._early:
                if len(self._early) > 2 * _UNDER_WAY:
                    raise Malformed("there are answers to what was not asked")
                answer = Answer(self._packet())
                self._early[answer.request] = answer
            answer = self._early.pop(asked)
            if answer.kind == Kind.STATUS:
                code = answer.number()
                if code == Code.OK and expected == Kind.STATUS:
                    return answer
                raise Refused(code, answer.text() if answer.rest else "")
            if answer.kind != expected:
                raise Malformed(f"it answers {answer.kind} instead of {expected:d}")
            return answer

    def _order(self, kind: Kind, *parts: bytes) -> None:
        self._answer(self._ask(kind, *parts), Kind.STATUS)

    def real_path(self, path: str) -> str:
        """Return a path as an absolute one, without links."""
        answer = self._answer(self._ask(Kind.REALPATH, text(path)), Kind.NAME)
        with _readable():
            answer.number()
            return answer.text()

    def look(self, path: str, *, follow: bool = False) -> Attributes | None:
        """Return the attributes of a file, of a link itself; None: there is none."""
        asked = self._ask(Kind.STAT if follow else Kind.LSTAT, text(path))
        try:
            answer = self._answer(asked, Kind.ATTRS)
        except Refused as error:
            if error.code == Code.NO_SUCH_FILE:
                return None
            raise
        with _readable():
            return answer.attributes()

    def names(self, folder: str) -> dict[str, Attributes]:
        """Return what is in a folder, links themselves among it."""
        asked = self._ask(Kind.OPENDIR, text(folder))
        found: dict[str, Attributes] = {}
        handle = self._answer(asked, Kind.HANDLE).bytes()
        try:
            while len(found) < _MOST_NAMES:
                answer = self._answer(self._ask(Kind.READDIR, text(handle)), Kind.NAME)
                with _readable():
                    for _ in range(answer.number()):
                        name = answer.text()
                        answer.bytes()
                        found[name] = answer.attributes()
        except Refused as error:
            if error.code != Code.EOF:
                raise
        finally:
            self.close(handle)
        return {name: one for name, one in found.items() if name not in {".", ".."}}

    def make_folder(self, path: str) -> None:
        """Make a folder."""
        self._order(Kind.MKDIR, text(path), number(4), number(_FOLDER_MODE))

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._order(Kind.RMDIR, text(path))

    def remove(self, path: str) -> None:
        """Remove a file, or a link itself."""
        self._order(Kind.REMOVE, text(path))

    def rename(self, old: str, new: str) -> None:
        """Rename; refused where the new name is taken."""
        self._order(Kind.RENAME, text(old), text(new))

    def replace(self, old: str, new: str) -> None:
        """Rename in one step, in place of the file or link that has the new name."""
        self._order(Kind.EXTENDED, text(POSIX_RENAME), text(old), text(new))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        # OpenSSH took the two in this order, against the draft, and all servers do as it does.
        self._order(Kind.SYMLINK, text(target), text(path))

    def room(self, folder: str) -> Room | None:
        """Return what is free there; None: the server does not tell."""
        if _STATVFS not in self.extensions:
            return None
        asked = self._ask(Kind.EXTENDED, text(_STATVFS), text(folder))
        answer = self._answer(asked, Kind.EXTENDED_REPLY)
        with _readable():
            return Room(answer)

    def create(self, path: str) -> bytes:
        """Make a new file and open it; refused where anything has the name, a link, too."""
        return self._open(path, _WRITE | _CREATE | _EXCLUSIVE)

    def open(self, path: str, *, write: bool = False) -> bytes:
        """Open a file that is there."""
        return self._open(path, _WRITE if write else _READ)

    def _open(self, path: str, flags: int) -> bytes:
        attributes = number(4) + number(_FILE_MODE) if flags & _CREATE else number(0)
        asked = self._ask(Kind.OPEN, text(path), number(flags), attributes)
        with _readable():
            return self._answer(asked, Kind.HANDLE).bytes()

    def close(self, handle: bytes) -> None:
        """Close a file or folder."""
        self._order(Kind.CLOSE, text(handle))

    def cut(self, handle: bytes, size: int) -> None:
        """Cut a file to a size."""
        self._order(Kind.FSETSTAT, text(handle), number(1), wide(size))

    def sync(self, handle: bytes) -> None:
        """Have the server write a file to its disk, if it can be asked to."""
        if _FSYNC in self.extensions:
            self._order(Kind.EXTENDED, text(_FSYNC), text(handle))

    def write(self, handle: bytes, offset: int, blocks: Blocks) -> None:
        """Write all that a stream still has, many blocks under way."""
        asked: deque[int] = deque()
        name = text(handle)
        try:
            while data := blocks.read(_BLOCK):
                place = name + wide(offset)
                asked.append(self._ask(Kind.WRITE, place, number(len(data)), data))
                offset += len(data)
                if len(asked) >= _UNDER_WAY:
                    self._answer(asked.popleft(), Kind.STATUS)
            while asked:
                self._answer(asked.popleft(), Kind.STATUS)
        except Gone:
            raise
        except BaseException:
            self._forget(asked, Kind.STATUS)
            raise

    def read(self, handle: bytes, size: int) -> Iterator[bytes]:
        """Yield a file from its beginning, many blocks under way.

        Args:
            handle: The open file.
            size: The bytes it should have. One more is asked for: of a longer file more is yielded.
        """
        asked: deque[tuple[int, int, int]] = deque()
        ends = False
        at = 0
        try:
            while not ends:
                while at <= size and len(asked) < _UNDER_WAY:
                    count = min(_BLOCK, size - at) or 1
                    asked.append((self._ask_read(handle, at, count), at, count))
                    at += count
                if not asked:
                    return
                number_, start, count = asked.popleft()
                got = 0
                for data in self._read_all(handle, number_, start, count):
                    got += len(data)
                    yield data
                ends = got < count
        finally:
            with contextlib.suppress(Gone):
                self._forget(deque(one for one, _, _ in asked), Kind.DATA)

    def _ask_read(self, handle: bytes, at: int, count: int) -> int:
        return self._ask(Kind.READ, text(handle), wide(at), number(count))

    def _read_all(self, handle: bytes, asked: int, at: int, count: int) -> Iterator[bytes]:
        """Yield the bytes of one request; a server may give fewer than it was asked for."""
        while True:
            try:
                data = self._answer(asked, Kind.DATA).bytes()
            except Refused as error:
                if error.code == Code.EOF:
                    return
                raise
            except Malformed as error:
                raise Gone(str(error)) from None
            if not data or len(data) > count:
                raise Gone("the server gives other blocks than it was asked for")
            yield data
            at, count = at + len(data), count - len(data)
            if not count:
                return
            asked = self._ask_read(handle, at, count)

    def _forget(self, asked: deque[int], expected: Kind) -> None:
        """Take the answers to requests that nobody waits for any more."""
        while asked:
            with contextlib.suppress(Refused):
                self._answer(asked.popleft(), expected)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Turn an answer that cannot be read into the end of the session."""
    try:
        yield
    except Malformed as error:
        msg = f"the server does not keep to the protocol: {error}"
        raise Gone(msg) from None
