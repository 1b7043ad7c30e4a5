"""Pack the running Slipway into a wheel, wherever it was installed from."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import slipway
from slipway.model.errors import MissingTool

__all__ = ["pack_own_wheel"]

#: Folders of a checkout that no wheel holds.
_WITHOUT = frozenset({"__pycache__", "node_modules", "src"})
#: Wheels are compared by their hashes: nothing in them depends on the time or the machine.
_TIME = (1980, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: slipway\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
#: A file of each room; without them the folder holds links that could not be made.
_ROOMS = ("scripts/guard.py", "workers/commands.py", "sessions/session.py", "steps/stage.py")


def pack_own_wheel(folder: Path) -> Path:
    """Write the wheel of the running Slipway into a folder; the same code gives the same bytes.

    Args:
        folder: An existing folder.

    Returns:
        The wheel.

    Raises:
        MissingTool: This Slipway is an editable install that links no rooms.
    """
    root = Path(slipway.__file__).parent
    if any(not (root / one).is_file() for one in _ROOMS):
        msg = f"{root} holds no whole Slipway to pack; install it from a wheel, or run make"
        raise MissingTool(msg)
    found = metadata.distribution("slipway")
    about = f"slipway-{found.version}.dist-info"
    target = folder / f"slipway-{found.version}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(target, "w") as wheel:
        for name, data in _content(root, about, found):
            _write(wheel, name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}\n")
        _write(wheel, f"{about}/RECORD", "".join([*record, f"{about}/RECORD,,\n"]).encode())
    return target


def _content(root: Path, about: str, found: metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield the wheel's files but its RECORD, sorted, with their content."""
    for name in sorted(_files(root)):
        yield f"slipway/{name}", (root / name).read_bytes()
    # A checkout has an .egg-info, whose PKG-INFO is of the same form.
    described = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    yield f"{about}/METADATA", described.encode()
    yield f"{about}/WHEEL", _WHEEL.encode()
    yield f"{about}/entry_points.txt", (found.read_text("entry_points.txt") or "").encode()


def _files(root: Path) -> Iterator[str]:
    # The rooms of a checkout are links.
    for where, folders, names in os.walk(root, followlinks=True):
        folders[:] = [one for one in folders if one not in _WITHOUT]
        for name in names:
            if not name.endswith((".pyc", ".pyo")):
                yield (Path(where) / name).relative_to(root).as_posix()


def _write(wheel: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    wheel.writestr(entry, data)
