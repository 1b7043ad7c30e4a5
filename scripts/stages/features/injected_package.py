"""Make `slipway.sessions` alone importable in the application's environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from slipway.scripts.python_env.interpreter import Environment

__all__ = ["REQUIREMENTS", "importable"]

#: Entry point group of its drivers.
_DRIVERS = "slipway.drivers"
#: Its dependencies; the application's own lock overrides these versions.
REQUIREMENTS = ("behave>=1.3.3", "cssselect>=1.2", "httpx>=0.28", "lxml>=5", "selenium>=4.20")


def importable(environment: Environment, cache: Path) -> Path | None:
    """Return the folder to add to the path of the application's Python.

    Args:
        environment: The application's environment.
        cache: This machine's cache folder.

    Returns:
        A folder that holds only `slipway/sessions` and the entry points of its drivers; None if
        Slipway itself is installed there.
    """
    if "slipway" in environment.versions:
        return None
    package = _package()
    shelf = cache.resolve() / "features"
    target = shelf / _key(package)
    if not target.is_dir():
        shelf.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=shelf, prefix=".part-"))
        (aside / "slipway").mkdir()
        (aside / "slipway" / "__init__.py").write_text('"""Slipway\'s sessions alone."""\n')
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, aside / "slipway" / "sessions", ignore=ignored)
        _write_metadata(aside / "slipway_sessions.dist-info")
        try:
            aside.rename(target)
        except OSError:
            # Another stage created it first.
            shutil.rmtree(aside, ignore_errors=True)
            if not target.is_dir():
                raise
    return target


def _write_metadata(folder: Path) -> None:
    """Write the metadata of an installed package, with the entry points of its drivers."""
    # Imported late: where Slipway is installed beside the application, it is not needed.
    from importlib.metadata import distribution, version

    folder.mkdir()
    header = f"Metadata-Version: 2.1\nName: slipway-sessions\nVersion: {version('slipway')}\n"
    (folder / "METADATA").write_text(header)
    own = distribution("slipway").entry_points.select(group=_DRIVERS)
    lines = [f"{one.name} = {one.value}" for one in own]
    (folder / "entry_points.txt").write_text("\n".join([f"[{_DRIVERS}]", *lines]) + "\n")


def _package() -> Path:
    spec = find_spec("slipway.sessions")
    if spec is None or spec.origin is None:
        msg = "slipway.sessions is not installed"
        raise ModuleNotFoundError(msg)
    return Path(spec.origin).parent


def _key(package: Path) -> str:
    # Invalidates cached copies made before metadata was added.
    found = hashlib.sha256(b"with metadata\0")
    files = (file for kind in ("*.py", "*.js") for file in package.rglob(kind))
    for file in sorted(files):
        found.update(os.fsencode(file.relative_to(package)) + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
