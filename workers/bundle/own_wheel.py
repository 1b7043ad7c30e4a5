"""Pack the running Slipway into a wheel, wherever it was installed from."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import slipway
from slipway.model.errors import MissingTool

__all__ = ["own_content", "pack_own_wheel", "write_wheel"]

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
    version = metadata.version("slipway")
    return write_wheel(folder, "slipway", version, own_content())


def own_content() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the running Slipway with their content, sorted, its metadata last.

    Raises:
        MissingTool: This Slipway is an editable install that links no rooms.
    """
    root = Path(slipway.__file__).parent
    if any(not (root / one).is_file() for one in _ROOMS):
        msg = f"{root} holds no whole Slipway to pack; install it from a wheel, or run make"
        raise MissingTool(msg)
    for name in sorted(_files(root)):
        yield f"slipway/{name}", (root / name).read_bytes()
    found = metadata.distribution("slipway")
    about = f"slipway-{found.version}.dist-info"
    # A checkout has an .egg-info, whose PKG-INFO is of the same form.
    described = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    yield f"{about}/METADATA", described.encode()
    yield f"{about}/entry_points.txt", (found.read_text("entry_points.txt") or "").encode()


def write_wheel(
    folder: Path, name: str, version: str, content: Iterable[tuple[str, bytes]]
) -> Path:
    """Write a wheel of pure Python; the same content gives the same bytes.

    Args:
        folder: An existing folder.
        name: The distribution's name.
        version: Its version.
        content: Its files with their content, those of its .dist-info but WHEEL and RECORD too.

    Returns:
        The wheel.
    """
    plain = re.sub("[-_.]+", "_", name).lower()
    about = f"{plain}-{version}.dist-info"
    target = folder / f"{plain}-{version}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(target, "w") as wheel:
        for path, data in (*content, (f"{about}/WHEEL", _WHEEL.encode())):
            _write(wheel, path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}\n")
        _write(wheel, f"{about}/RECORD", "".join([*record, f"{about}/RECORD,,\n"]).encode())
    return target


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
