"""Unpack a frozen program and list what an installer has to install."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slipway.model.errors import StageFailed
from slipway.model.protocol.artefact_name import name_problem
from slipway.model.protocol.job import Input
from slipway.scripts.archives.limits import shown
from slipway.scripts.archives.unpack import unpack

__all__ = ["Program", "Tree", "check_windows_names", "unpack_tree"]

_PROGRAM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,62}[A-Za-z0-9_-])?")
#: Characters of a whole path on Windows, and of the longest folder that programs are installed to:
#: C:\Users\, a name of 20, \AppData\Local\Programs\.
_LONGEST_PATH, _FOLDER = 259, 9 + 20 + 24
_ELF = b"\x7fELF"
#: Of a PE's optional header: where the kind of program is, and which one has windows.
_PE_HEADER, _SUBSYSTEM, _WINDOWED = 0x3C, 24 + 68, 2


@dataclass(frozen=True)
class Program:
    """An executable of the tree."""

    name: str
    """Its name without a suffix."""
    file: str
    """Its path in the tree."""
    windowed: bool = False
    """True: it opens no console. Known of Windows programs alone."""


@dataclass(frozen=True)
class Tree:
    """A frozen program on disk."""

    folder: Path
    platform: str
    """The platform's tag, such as "win-amd64"."""
    programs: tuple[Program, ...]
    folders: tuple[str, ...]
    """Folders in it, with slashes, each after the one it lies in."""
    files: tuple[str, ...]
    links: tuple[str, ...] = ()
    size: int = field(default=0)
    """Bytes of all files."""

    @property
    def windows(self) -> bool:
        """True: it was frozen on Windows."""
        return self.platform.startswith("win")


def unpack_tree(given: Input, platform: str, target: Path) -> Tree:
    """Unpack a frozen program's archive and list it.

    Args:
        given: The archive.
        platform: Its platform's tag.
        target: An empty folder.

    Raises:
        StageFailed: The archive is damaged or unsafe, or no frozen program is in it.
    """
    unpack(Path(given.path), target)
    tops = sorted(target.iterdir())
    if len(tops) != 1 or tops[0].is_symlink() or not tops[0].is_dir():
        msg = f"{given.name} holds no frozen program: one folder is expected in it"
        raise StageFailed(msg)
    folder = tops[0]
    folders, files, links = _listed(folder)
    programs = tuple(_programs(folder, files, windows=platform.startswith("win")))
    if not programs:
        msg = f"{given.name} holds no executable beside its libraries; there is nothing to start"
        raise StageFailed(msg)
    size = sum((folder / name).stat().st_size for name in files)
    return Tree(folder, platform, programs, tuple(folders), tuple(files), tuple(links), size)


def _listed(folder: Path) -> tuple[list[str], list[str], list[str]]:
    folders: list[str] = []
    files: list[str] = []
    links: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        (links if path.is_symlink() else folders if path.is_dir() else files).append(name)
    return folders, files, links


def _programs(folder: Path, files: list[str], *, windows: bool) -> Iterator[Program]:
    for name in files:
        if "/" in name:
            continue
        path = folder / name
        with path.open("rb") as stream:
            start = stream.read(4)
        if windows:
            if path.suffix.lower() == ".exe":
                yield Program(_plain(path.stem), name, _is_windowed(path))
        elif path.stat().st_mode & 0o100 and start == _ELF and ".so" not in path.suffixes:
            yield Program(_plain(name), name)


def _plain(name: str) -> str:
    if _PROGRAM.fullmatch(name) is None:
        msg = (
            f"the executable {shown(name)} cannot be installed: its name may hold letters, digits, "
            "dots, dashes, underscores and blanks; give it another in the freeze stage"
        )
        raise StageFailed(msg)
    return name


def _is_windowed(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(4096)
    place = int.from_bytes(head[_PE_HEADER : _PE_HEADER + 4], "little") + _SUBSYSTEM
    return int.from_bytes(head[place : place + 2], "little") == _WINDOWED


def check_windows_names(tree: Tree, installed: str) -> None:
    """Refuse a tree that cannot be on a Windows disk.

    Args:
        tree: The tree.
        installed: The name of the folder that it is installed to.

    Raises:
        StageFailed: A name is none on Windows, two are the same there, or a path is too long.
    """
    longest = _LONGEST_PATH - _FOLDER - len(installed) - 1
    seen: dict[str, str] = {}
    for name in (*tree.links, *tree.folders, *tree.files):
        problem = next(
            (why for part in PurePosixPath(name).parts if (why := name_problem(part))), ""
        )
        if name in tree.links:
            problem = "it is a link"
        elif problem:
            problem = f"its name {problem}"
        elif len(name.encode("utf-16-le")) // 2 > longest:
            problem = f"its path has {len(name)} letters, {longest} are allowed there"
        elif other := seen.get(name.casefold()):
            problem = f"on Windows it is the same as {shown(other)}"
        if problem:
            msg = f"{shown(name)} of the frozen program cannot be installed on Windows: {problem}"
            raise StageFailed(msg)
        seen[name.casefold()] = name
