"""Manage a folder of releases, one of them `current`, on this machine or over ssh.

Standard library only, Python 3.8 or newer, POSIX: it is sent to machines that know nothing of
Slipway. Requests arrive as JSON lines on the input, a release's files as frames of a tar (four
bytes of length, then the data; a length of 0 ends it). Answers are JSON lines that begin with the
byte 0x1E; any other output of the login is not an answer.

`current` is only ever replaced by an atomic rename, and only points at a folder that was itself
renamed into place after it was complete and synced to disk. The folder is protected by an OS file
lock, released when the process dies; the next process deletes partial files. The process ends with
its input.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator  # noqa: UP035  Python 3.8

__all__ = ["CURRENT", "MARK", "RELEASES", "STATE", "Facts", "Place", "Refused", "serve"]

MARK = "\x1e"
RELEASES = "releases"
CURRENT = "current"
STATE = ".slipway"
_HALF = ".part"
_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Seconds between attempts to get a lock that another process holds.
_POLL = 0.1
#: Bytes of free space required beyond the release, for folders and the file system's own needs.
_SPARE = 1 << 20
_SIDE_BY_SIDE = 16
#: Seconds between SIGTERM and SIGKILL.
_GRACE = 3.0

Facts = Dict[str, Any]  # noqa: UP006  Python 3.8


class Refused(Exception):
    """A request that was refused; `kind` determines the caller's exit code."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Place:
    """A folder of releases, locked as long as this process lives."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock: int | None = None
        self.path = Path()

    # -- requests -----------------------------------------------------------------------------

    def do_open(self, order: Facts) -> Facts:
        """Open the folder: create it, lock it, delete partial files of a killed process.

        Raises:
            Refused: Another process holds the lock, or `current` is not a link.
        """
        self.path = Path(order["path"]).absolute()
        (self.path / RELEASES).mkdir(parents=True, exist_ok=True)
        (self.path / STATE).mkdir(mode=0o755, exist_ok=True)
        self._take_lock(order["owner"], order["patience"])
        _remove(self.path / f".{CURRENT}{_HALF}")
        for folder in (self.path / RELEASES, self.path / STATE):
            for half in folder.glob(f".*{_HALF}"):
                _remove(half)
        current = self.path / CURRENT
        if current.exists() and not current.is_symlink():
            text = f"{current} is there and is no link of Slipway's; move it away"
            raise Refused("taken", text)
        return {"path": str(self.path), "current": self._current(), "state": self._state()}

    def do_find(self, order: Facts) -> Facts:
        """Return the name for a release: an intact copy's, else a free one if there is space."""
        kept = self._kept()
        for number in range(1, 1000):
            name = order["name"] if number == 1 else f"{order['name']}.{number}"
            folder = self.path / RELEASES / name
            if folder.is_dir() and _is_whole(folder, order["files"]):
                return {"name": name, "there": True}
            if name not in kept:
                # It was altered, and nothing runs from it.
                _remove(folder)
            if not os.path.lexists(str(folder)):
                self._check_space(order["size"])
                return {"name": name, "there": False}
        raise Refused("taken", f"{order['name']} was altered a thousand times")

    def do_unpack(self, order: Facts) -> Facts:
        """Receive a release's files, sync them to disk and rename the folder into place.

        Raises:
            Refused: A file leads out of the release.
        """
        target = self.path / RELEASES / order["name"]
        part = target.parent / f".{order['name']}{_HALF}"
        frames = _Frames(self._stream)
        try:
            part.mkdir()
            with tarfile.open(fileobj=frames, mode="r|", bufsize=_BLOCK) as tar:  # type: ignore[call-overload]
                for member in tar:
                    _take(tar, member, part)
            frames.skip()
            _sync_tree(part)
            part.rename(target)
            _sync(target.parent)
        except (OSError, Refused):
            # The sender listens only after it has sent everything.
            frames.skip()
            raise
        finally:
            _remove(part)
        return {}

    def do_switch(self, order: Facts) -> Facts:
        """Point `current` at a release, or remove it; refused if the release is gone."""
        current = self.path / CURRENT
        if order["name"] is None:
            with contextlib.suppress(FileNotFoundError):
                current.unlink()
        else:
            folder = self.path / RELEASES / order["name"]
            if not folder.is_dir():
                raise Refused("gone", f"{folder} is not there any more")
            os.utime(str(folder))
            self._link(order["name"])
        _sync(self.path)
        return {}

    def do_run(self, order: Facts) -> Facts:
        """Run a program and return its exit code, None after a timeout.

        Children in sessions of their own keep running.
        """
        try:
            process = subprocess.Popen(
                order["argv"],
                cwd=str(self.path),
                env={**os.environ, **order["env"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise Refused("program", f"{order['argv'][0]} cannot be started: {why}") from None
        reader = threading.Thread(target=_follow, args=(process,), daemon=True)
        reader.start()
        try:
            code: int | None = process.wait(order["timeout"])
        except subprocess.TimeoutExpired:
            code = None
            _end(process)
        # Processes that keep running may hold the pipe open for ever.
        reader.join(1)
        return {"code": code}

    def do_settle(self, order: Facts) -> Facts:
        """Record a release as good, and delete old ones."""
        before = self._state()
        good, previous = before.get("good"), before.get("previous")
        if good and good["name"] != order["good"]["name"]:
            previous = good
        self._write_state({"good": order["good"], "previous": previous})
        kept = self._kept()
        folders = [one for one in (self.path / RELEASES).iterdir() if not one.name.startswith(".")]
        folders.sort(key=lambda one: one.stat().st_mtime, reverse=True)
        kept |= {one.name for one in folders[: order["keep"]]}
        old = [one for one in folders if one.name not in kept]
        for folder in old:
            # Renamed first, so that a name always stands for a complete release.
            half = folder.with_name(f".{folder.name}{_HALF}")
            folder.rename(half)
            _remove(half)
        return {"removed": sorted(one.name for one in old)}

    # -- the contents of the folder -----------------------------------------------------------

    def _take_lock(self, owner: str, patience: float) -> None:
        descriptor = os.open(str(self.path / STATE / "lock"), os.O_RDWR | os.O_CREAT, 0o644)
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end:
                    holder = os.pread(descriptor, 1000, 0).decode("utf-8", "replace").strip()
                    os.close(descriptor)
                    text = f"another deployment is at work in {self.path}: {holder or 'unknown'}"
                    raise Refused("busy", text) from None
            time.sleep(_POLL)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, owner.encode(), 0)
        self._lock = descriptor

    def _current(self) -> str | None:
        try:
            return Path(os.readlink(str(self.path / CURRENT))).name  # noqa: PTH115  Python 3.8
        except OSError:
            return None

    def _state(self) -> Facts:
        try:
            state = json.loads((self.path / STATE / "state.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _kept(self) -> set[str]:
        state = self._state()
        named = [one["name"] for one in (state.get("good"), state.get("previous")) if one]
        return {name for name in (self._current(), *named) if name}

    def _link(self, name: str) -> None:
        part = self.path / f".{CURRENT}{_HALF}"
        _remove(part)
        part.symlink_to(os.path.join(RELEASES, name), target_is_directory=True)  # noqa: PTH118
        part.replace(self.path / CURRENT)

    def _write_state(self, state: Facts) -> None:
        part = self.path / STATE / f".state{_HALF}"
        with part.open("wb") as stream:
            stream.write(json.dumps(state, indent=2).encode())
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.path / STATE / "state.json")
        _sync(self.path / STATE)

    def _check_space(self, size: int) -> None:
        free = shutil.disk_usage(str(self.path)).free
        if free < size + _SPARE:
            text = f"the disk of {self.path} has {free:,} bytes free, the release needs {size:,}"
            raise Refused("full", text)


class _Frames:
    """A stream of a tar's bytes that arrive in frames."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._remaining = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, empty at the end; EOFError if the input ends early."""
        if not self._remaining and not self._ended:
            self._remaining = struct.unpack(">I", _exactly(self._stream, 4))[0]
            self._ended = not self._remaining
        if self._ended:
            return b""
        data = _exactly(self._stream, min(size, self._remaining))
        self._remaining -= len(data)
        return data

    def skip(self) -> None:
        """Read and discard the rest."""
        while self.read(_BLOCK):
            pass


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts:
        raise Refused("taken", f"{member.name} leads out of the release")
    path = folder.joinpath(*parts)
    if member.isdir():
        path.mkdir(exist_ok=True)
    elif member.issym():
        path.symlink_to(member.linkname)
    else:
        content = tar.extractfile(member)
        with path.open("xb") as stream:
            shutil.copyfileobj(content, stream, _BLOCK)  # type: ignore[arg-type]
        path.chmod(0o755 if member.mode & 0o100 else 0o644)
        os.utime(str(path), (member.mtime, member.mtime))


def _is_whole(folder: Path, files: dict[str, str]) -> bool:
    """Return True if every file of a release exists unchanged."""
    try:
        return all(_mark_of(folder / name) == mark for name, mark in files.items())
    except OSError:
        return False


def _mark_of(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(str(path))}"  # noqa: PTH115  Python 3.8
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def _sync_tree(folder: Path) -> None:
    """Sync a tree to disk: files first, then the folders that name them."""
    folders = list(os.walk(str(folder)))
    files = [Path(here, name) for here, _, names in folders for name in names]
    # In parallel, so that the file system commits its journal once for many files.
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        list(pool.map(_sync, [path for path in files if not path.is_symlink()]))
        list(pool.map(_sync, [Path(here) for here, _, _ in folders]))


def _sync(path: Path) -> None:
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _follow(process: Any) -> None:
    with contextlib.suppress(OSError):
        for line in process.stdout:
            _send({"log": line.decode("utf-8", "replace")})


def _end(process: Any) -> None:
    """End a program and its process group: SIGTERM first, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)


_saying = threading.Lock()


def _send(answer: Facts) -> None:
    with _saying:
        sys.stdout.write(f"{MARK}{json.dumps(answer)}\n")
        sys.stdout.flush()


def _orders(stream: BinaryIO) -> Iterator[Facts]:
    for line in iter(stream.readline, b""):
        yield json.loads(line)


def serve(stream: BinaryIO) -> None:
    """Serve requests until the input ends."""
    place = Place(stream)
    for order in _orders(stream):
        try:
            answer = getattr(place, f"do_{order['do']}")(order)
        except Refused as refusal:
            answer = {"error": str(refusal), "kind": refusal.kind}
        except OSError as error:
            full = error.errno in _FULL
            reason = f"{error.filename or place.path}: {error.strerror or error}"
            answer = {"error": reason, "kind": "full" if full else "system"}
        except EOFError:
            return
        _send({"id": order["id"], **answer})


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer)
