"""Delete a folder that a hostile program has filled, without following links or blocking.

No imports of ours: a worker runs this file by its path in a process that it can kill, `python -I -S
removal.py FOLDER...`. Each path that cannot be deleted is printed on a line.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["FOLDER_FLAGS", "SAFE", "allow", "main", "remove"]

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
FOLDER_FLAGS = _FLAGS | getattr(os, "O_DIRECTORY", 0)
#: Linux (linux/fs.h): the flags that `chattr +i` and `chattr +a` set.
_GETFLAGS, _SETFLAGS = 0x80086601, 0x40086602
_IMMUTABLE_OR_APPEND = 0x10 | 0x20
#: True: a tree can be traversed by folder descriptors, without following links.
SAFE = {os.open, os.unlink, os.rmdir, os.stat, os.rename} <= os.supports_dir_fd


def remove(path: Path) -> list[str]:
    """Delete a file, a link or a folder with all its contents.

    Args:
        path: The path; it may be missing. Only its last component may be hostile.

    Returns:
        A sentence for each path that is left, with the reason; empty if nothing is left.
    """
    if not SAFE:
        return _remove_by_names(path)
    try:
        parent = os.open(path.parent, FOLDER_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    try:
        return _Remover(parent).remove(path)
    finally:
        os.close(parent)


def allow(path: Path) -> None:
    """Lift the permissions and flags that forbid the owner to rename or delete a path."""
    if SAFE:
        with contextlib.suppress(OSError):
            parent = os.open(path.parent, FOLDER_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
            try:
                _allow(parent, path.name)
            finally:
                os.close(parent)


class _Remover:
    """Delete one tree. Nested folders are moved up first, so no depth exceeds the limits."""

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._problems: list[str] = []

    def remove(self, path: Path) -> list[str]:
        try:
            facts = os.stat(path.name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            return [f"{path}: {error.strerror}"]
        if not stat.S_ISDIR(facts.st_mode):
            self._drop(self._parent, path.name, str(path))
        elif (root := self._opened(self._parent, path.name, str(path))) is not None:
            try:
                self._empty(root, facts.st_dev, str(path))
            finally:
                os.close(root)
            self._drop(self._parent, path.name, str(path), folder=True)
        return self._problems

    def _empty(self, root: int, device: int, shown: str) -> None:
        """Empty a folder: move the contents of its folders up until it has none."""
        kept: set[str] = set()
        while folders := self._sift(root, root, device, shown, kept):
            for name in folders:
                inner = self._opened(root, name, f"{shown}/{name}")
                if inner is None:
                    kept.add(name)
                    continue
                try:
                    self._sift(inner, root, device, f"{shown}/{name}", kept)
                finally:
                    os.close(inner)
                if not self._drop(root, name, f"{shown}/{name}", folder=True):
                    kept.add(name)

    def _sift(self, folder: int, root: int, device: int, shown: str, kept: set[str]) -> list[str]:
        """Delete a folder's files and move its folders up; return the names of the root's own."""
        found = []
        for name in list(self._names(folder, shown)):
            if folder == root and name in kept:
                continue
            place = f"{shown}/{name}"
            try:
                facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                self._problem(place, error)
                remaining = True
            else:
                remaining = False
                if not stat.S_ISDIR(facts.st_mode):
                    remaining = not self._drop(folder, name, place)
                elif facts.st_dev != device:
                    self._problems.append(f"{place}: something is mounted there")
                    remaining = True
                elif folder == root:
                    found.append(name)
                else:
                    self._move_up(folder, root, name, place)
            if remaining and folder == root:
                kept.add(name)
        return found

    def _names(self, folder: int, shown: str) -> Iterator[str]:
        try:
            with os.scandir(folder) as entries:
                yield from (entry.name for entry in entries)
        except OSError as error:
            self._problem(shown, error)

    def _move_up(self, folder: int, root: int, name: str, place: str) -> None:
        fresh = f".{os.urandom(12).hex()}"

        def move() -> None:
            os.rename(name, fresh, src_dir_fd=folder, dst_dir_fd=root)

        self._insist(move, folder, name, place)

    def _drop(self, parent: int, name: str, place: str, *, folder: bool = False) -> bool:
        def drop() -> None:
            (os.rmdir if folder else os.unlink)(name, dir_fd=parent)

        return self._insist(drop, parent, name, place)

    def _insist(self, action: object, parent: int, name: str, place: str) -> bool:
        """Call the action; on a permission error lift the restriction and retry once."""
        assert callable(action)  # noqa: S101  a type for the reader
        try:
            action()
        except FileNotFoundError:
            pass
        except OSError:
            _allow(parent, name)
            try:
                action()
            except FileNotFoundError:
                pass
            except OSError as error:
                self._problem(place, error)
                return False
        return True

    def _opened(self, parent: int, name: str, place: str) -> int | None:
        try:
            try:
                opened = os.open(name, FOLDER_FLAGS, dir_fd=parent)
            except PermissionError:
                _allow(parent, name)
                opened = os.open(name, FOLDER_FLAGS, dir_fd=parent)
            _loosen(opened)
            _open_up(opened)
        except OSError as error:
            self._problem(place, error)
            return None
        return opened

    def _problem(self, place: str, error: OSError) -> None:
        problem = f"{place}: {error.strerror}"
        if problem not in self._problems:
            self._problems.append(problem)


def _allow(parent: int, name: str) -> None:
    """Lift permissions and flags that forbid deleting or opening something."""
    _loosen(parent)
    _open_up(parent)
    _chmod(parent, name)
    with contextlib.suppress(OSError):
        facts = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode):
            opened = os.open(name, _FLAGS, dir_fd=parent)
            try:
                _loosen(opened)
            finally:
                os.close(opened)


def _open_up(folder: int) -> None:
    """Give the owner all rights on a folder; other users' rights stay unchanged."""
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(os.fstat(folder).st_mode)
        if mode & 0o700 != 0o700:  # noqa: PLR2004  rwx
            os.fchmod(folder, mode | 0o700)


def _chmod(parent: int, name: str) -> None:
    """Give the owner all rights on a folder, without following links."""
    path = getattr(os, "O_PATH", None)
    if path is None:
        return
    with contextlib.suppress(OSError):
        opened = os.open(name, path | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent)
        try:
            # fchmod refuses an O_PATH descriptor; chmod on its name in /proc works.
            mode = stat.S_IMODE(os.fstat(opened).st_mode)
            os.chmod(f"/proc/self/fd/{opened}", mode | 0o700)  # noqa: PTH101
        finally:
            os.close(opened)


def _loosen(descriptor: int) -> None:
    """Clear the flags of `chattr +i` and `+a`; only root can set or clear them."""
    if sys.platform != "linux":
        return
    import fcntl

    with contextlib.suppress(OSError):
        flags = struct.unpack("l", fcntl.ioctl(descriptor, _GETFLAGS, b"\0" * 8))[0]
        if flags & _IMMUTABLE_OR_APPEND:
            remaining = struct.pack("l", flags & ~_IMMUTABLE_OR_APPEND)
            fcntl.ioctl(descriptor, _SETFLAGS, remaining)


def _remove_by_names(path: Path) -> list[str]:
    """Delete a tree where folders have no descriptors (Windows)."""
    problems: list[str] = []

    def again(function: object, name: str, _failed: object) -> None:
        assert callable(function)  # noqa: S101  a type for the reader
        try:
            os.chmod(name, stat.S_IWRITE | stat.S_IREAD | stat.S_IEXEC)  # noqa: PTH101
            function(name)
        except FileNotFoundError:
            pass
        except OSError as error:
            problems.append(f"{name}: {error.strerror}")

    if not os.path.lexists(path):
        return []
    if path.is_symlink() or not path.is_dir():
        try:
            path.unlink()
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    else:
        shutil.rmtree(path, onerror=again)
    return problems


def main() -> int:
    """Delete the paths given as arguments; return 1 if something is left."""
    problems = [problem for name in sys.argv[1:] for problem in remove(Path(name))]
    for problem in problems:
        print(ascii(problem)[1:-1][:500])  # noqa: T201  its caller reads it
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
