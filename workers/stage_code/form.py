"""The one file that carries a stage's code: wheels, what they need, and the versions of that."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.errors import WrongInput

__all__ = ["MOST", "Content", "check_key", "read_code", "write_code"]

#: Bytes of the file at most, and of what it holds.
MOST = 256 << 20
_FORM = 1
_INDEX = "code.json"
_KEY = re.compile(r"[0-9a-f]{64}")
_WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,200}\.whl")
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Content:
    """What the file holds."""

    version: str
    """The master's version of Slipway."""
    wheels: dict[str, bytes]
    """The wheels by their file names, Slipway's first."""
    requirements: tuple[str, ...] = ()
    """What is to be installed beside them, from the worker's index."""
    versions: tuple[str, ...] = ()
    """The versions that the master runs with; a package that is not among them is free."""


def check_key(text: str) -> str:
    """Return a key: the SHA-256 of the file.

    Raises:
        WrongInput: It is none.
    """
    if _KEY.fullmatch(text) is None:
        msg = f"{text!a} is no SHA-256"
        raise WrongInput(msg)
    return text


def write_code(
    folder: Path,
    version: str,
    wheels: Sequence[Path],
    requirements: Sequence[str],
    versions: Sequence[str],
) -> Path:
    """Write the file into a folder, named by its hash; the same code gives the same file."""
    index = {
        "form": _FORM,
        "version": version,
        "wheels": [one.name for one in wheels],
        "requirements": list(requirements),
        "versions": list(versions),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr(zipfile.ZipInfo(_INDEX, _TIME), json.dumps(index, indent=1))
        for one in wheels:
            opened.writestr(zipfile.ZipInfo(one.name, _TIME), one.read_bytes())
    data = made.getvalue()
    target = folder / f"{hashlib.sha256(data).hexdigest()}.zip"
    # Also where it is: what a machine that went down has left may have the name and not the bytes.
    part = target.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(target)
    return target


def read_code(data: bytes, key: str) -> Content:
    """Read the file; nothing of it is used before it is known to be the one that was sent.

    Args:
        data: All of it.
        key: The SHA-256 that the master has named.

    Raises:
        WrongInput: It is another file, or none of this form.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != key:
        msg = f"the master's code arrived altered or cut short: sha256 {found} instead of {key}"
        raise WrongInput(msg)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            index = json.loads(opened.read(_INDEX))
            return _content(index, opened)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        msg = f"the master's code has a form that this worker does not know ({error}); {_AGAIN}"
        raise WrongInput(msg) from None


_AGAIN = "make a new bundle by `slipway worker new` and set the worker up again"


def _content(index: dict[str, Any], opened: zipfile.ZipFile) -> Content:
    if index["form"] != _FORM:
        msg = f"form {index['form']}"
        raise ValueError(msg)
    wheels, left = {}, MOST
    for name in map(str, index["wheels"]):
        size = opened.getinfo(name).file_size
        left -= size
        if _WHEEL.fullmatch(name) is None or left < 0:
            msg = f"{name!a}, {size} bytes"
            raise ValueError(msg)
        wheels[name] = opened.read(name)
    lists = (tuple(map(str, index[name])) for name in ("requirements", "versions"))
    return Content(str(index["version"]), wheels, *lists)
