"""Write the bundle of a worker: one file that sets the worker up on its machine."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from slipway.workers.bundle.own_wheel import pack_own_wheel

__all__ = ["BundleFacts", "Platform", "write_bundle"]

_HERE = Path(__file__).parent
_PROGRAM = "set_up_worker.py"
_README = """\
This sets up the Slipway worker "{name}" of {host}:{port}.
The file worker.json holds the worker's password: keep this folder private, delete it afterwards.

{steps}

To bring the worker up to date: the same command in a newer bundle. What runs on it is ended.
To remove the worker: {remove} (with the folder, if it was named)
"""
_WINDOWS = r"""In a PowerShell that was started as administrator, in this folder:

    powershell -ExecutionPolicy Bypass -File setup.ps1

It needs Python 3.11 or newer, for all users, and Git for Windows; it says what is missing."""
_LINUX = """As root, in this folder:

    sh setup.sh

It needs python3 (3.11 or newer) with venv, and git; it says what is missing."""


class Platform(StrEnum):
    """The kind of machine a bundle is for."""

    WINDOWS = "windows"
    LINUX = "linux"


@dataclass(frozen=True)
class BundleFacts:
    """What a worker has to know."""

    name: str
    """Its name in pipeline.toml."""
    host: str
    """The master's host, as the worker's machine finds it."""
    port: int
    fingerprint: str
    """The fingerprint of the certificate of that port; empty: plain TCP."""
    password: str


def write_bundle(target: Path, platform: Platform, facts: BundleFacts) -> None:
    """Write a bundle that only its owner may read; an existing one is replaced.

    Args:
        target: The zip file.
        platform: The kind of machine it is for.
        facts: What the worker has to know.

    Raises:
        MissingTool: The running Slipway cannot be packed.
        OSError: The file cannot be written.
    """
    windows = platform is Platform.WINDOWS
    start = "setup.ps1" if windows else "setup.sh"
    steps = _WINDOWS if windows else _LINUX
    remove = f"{start} -Remove" if windows else f"sh {start} --remove"
    readme = _README.format(**asdict(facts), steps=steps, remove=remove)
    with tempfile.TemporaryDirectory() as folder:
        wheel = pack_own_wheel(Path(folder))
        data = wheel.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        settings = {**asdict(facts), "wheel": wheel.name, "sha256": digest}
        files = {
            # Notepad of old Windows versions shows lines alone that end with CR and LF.
            "README.txt": (readme.replace("\n", "\r\n") if windows else readme).encode(),
            start: (_HERE / start).read_bytes(),
            _PROGRAM: (_HERE / _PROGRAM).read_bytes(),
            "worker.json": json.dumps(settings, indent=1).encode(),
            wheel.name: data,
        }
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream, zipfile.ZipFile(stream, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(zipfile.ZipInfo(f"{facts.name}/{name}", (1980, 1, 1, 0, 0, 0)), content)
    part.replace(target)
