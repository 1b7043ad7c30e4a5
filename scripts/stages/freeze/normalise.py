"""Remove build times from the tree that cx_Freeze leaves, and inspect it."""

from __future__ import annotations

import time
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

from slipway.scripts.stages.freeze.contents.distributions import read_inside

__all__ = ["inspect", "normalise"]

#: The earliest time that zip can store.
_FIRST = (1980, 1, 1, 0, 0, 0)
_MTIME = slice(8, 12)
_HEADER = 16


def normalise(tree: Path, epoch: int, without: str = "") -> None:
    """Set all times in a frozen tree to one, so that the same commit gives the same bytes.

    Compiled modules contain the time of their source, which differs between checkouts; without the
    source Python does not compare it.

    Args:
        tree: The tree that cx_Freeze left.
        epoch: The time, in seconds since 1970.
        without: The name of an executable that was deleted: its script is deleted, too.
    """
    for path in tree.rglob("*.pyc"):
        if path.parent.name != "__pycache__" and not path.is_symlink():
            _set_time(path, epoch)
    for path in tree.rglob("library.zip"):
        _rewrite(path, epoch, without)


def _set_time(path: Path, epoch: int) -> None:
    """Set the time in a compiled module's header, which is all of it that changes."""
    with path.open("r+b", buffering=0) as stream:
        header = stream.read(_HEADER)
        changed = _timed(header, epoch)
        if changed != header:
            stream.seek(0)
            stream.write(changed)


def _timed(module: bytes, epoch: int) -> bytes:
    # The last two bytes of the magic number are the same for every Python.
    by_hash = module[4:8] != bytes(4)
    if len(module) < _HEADER or module[2:4] != MAGIC_NUMBER[2:4] or by_hash:
        return module
    changed = bytearray(module)
    changed[_MTIME] = (epoch & 0xFFFF_FFFF).to_bytes(4, "little")
    return bytes(changed)


def _rewrite(path: Path, epoch: int, without: str) -> None:
    date = max(time.gmtime(epoch)[:6], _FIRST)
    aside = path.with_suffix(".new")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(aside, "w") as new:
        # cx_Freeze names an executable's own modules by it.
        name = without.replace("-", "_")
        deleted = {f"__init__{name}.pyc", f"__main__{name}.pyc"} if name else set()
        for entry in sorted(old.infolist(), key=lambda entry: entry.filename):
            if entry.filename in deleted:
                continue
            content = old.read(entry)
            if entry.filename.endswith(".pyc"):
                content = _timed(content, epoch)
            written = zipfile.ZipInfo(entry.filename, date)
            written.compress_type = entry.compress_type
            written.external_attr = entry.external_attr
            new.writestr(written, content)
    aside.replace(path)


def inspect(tree: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a frozen tree: program, size, files, packages.

    Args:
        tree: The tree that cx_Freeze left.
        result: The guest's result.
    """
    found = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    packages = {one.name: one.version for one in read_inside(tree).values()}
    return {
        "executable": result["executables"][0],
        "executables": [name for name in result["executables"] if (tree / name).is_file()],
        "platform": result["platform"],
        "files": len(found),
        "size": sum(path.stat().st_size for path in found),
        "python": result["python"],
        "cx_freeze": result["cx_freeze"],
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "dialects": result["dialects"],
        "missing": result["missing"],
        "added": [
            {"key": key, "value": value, "reason": why} for key, value, why in result["added"]
        ],
    }
