"""The tree cx_Freeze leaves: without the hour it was made in, and what is in it."""

from __future__ import annotations

import time
import zipfile
from importlib import metadata
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Any

#: Zip knows no time before this.
_FIRST = (1980, 1, 1, 0, 0, 0)
_MTIME = slice(8, 12)
_HEADER = 16


def settle(tree: Path, epoch: int) -> None:
    """Give everything in a frozen tree one time, so that the same commit gives the same bytes.

    Compiled modules carry their source's time, which a checkout sets anew; nothing reads it where
    there is no source.

    Args:
        tree: What cx_Freeze left.
        epoch: The time, seconds since 1970.
    """
    for path in tree.rglob("*.pyc"):
        if path.parent.name != "__pycache__" and not path.is_symlink():
            path.write_bytes(_timed(path.read_bytes(), epoch))
    for path in tree.rglob("library.zip"):
        _rewrite(path, epoch)


def _timed(module: bytes, epoch: int) -> bytes:
    # The last two bytes of the magic number are the same for every Python.
    by_hash = module[4:8] != bytes(4)
    if len(module) < _HEADER or module[2:4] != MAGIC_NUMBER[2:4] or by_hash:
        return module
    changed = bytearray(module)
    changed[_MTIME] = (epoch & 0xFFFF_FFFF).to_bytes(4, "little")
    return bytes(changed)


def _rewrite(path: Path, epoch: int) -> None:
    date = max(time.gmtime(epoch)[:6], _FIRST)
    aside = path.with_suffix(".new")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(aside, "w") as new:
        for entry in sorted(old.infolist(), key=lambda entry: entry.filename):
            content = old.read(entry)
            if entry.filename.endswith(".pyc"):
                content = _timed(content, epoch)
            settled = zipfile.ZipInfo(entry.filename, date)
            settled.compress_type = entry.compress_type
            settled.external_attr = entry.external_attr
            new.writestr(settled, content)
    aside.replace(path)


def inspect(tree: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Return what a frozen tree holds, by looking into it.

    Args:
        tree: What cx_Freeze left.
        told: What the guest said of it.
    """
    found = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    inside = [str(path) for path in (tree / "lib" / "library.zip", tree / "lib")]
    packages = {one.name: one.version for one in metadata.distributions(path=inside) if one.name}
    return {
        "executable": told["executable"],
        "platform": told["platform"],
        "files": len(found),
        "size": sum(path.stat().st_size for path in found),
        "python": told["python"],
        "cx_freeze": told["cx_freeze"],
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        "dialects": told["dialects"],
        "missing": told["missing"],
    }
