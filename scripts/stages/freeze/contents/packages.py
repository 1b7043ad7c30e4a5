"""Find the Debian packages that files of this machine belong to."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.scripts.process import run as run_program

__all__ = ["Package", "packages_of"]

_PATIENCE = 60.0
#: Arguments of one call, of which there may not be any number.
_AT_ONCE = 5000
_FORMAT = "${Package}\\t${Version}\\t${Architecture}\\n"


@dataclass(frozen=True)
class Package:
    """A package of Debian, or of what is made of it."""

    name: str
    version: str
    architecture: str
    vendor: str
    """The system's ID in os-release, such as "debian"."""
    release: str
    """The system and its version, such as "debian-12"; may be empty."""


def packages_of(files: Iterable[Path]) -> dict[Path, Package]:
    """Return the package of each file that belongs to one; none where there is no dpkg.

    Args:
        files: Absolute paths.
    """
    names: dict[str, set[Path]] = defaultdict(set)
    for file in files:
        for text in (str(file), str(file.resolve())):
            # Packages may name a folder that is a link into /usr, or the one that it leads to.
            for name in (text, text.removeprefix("/usr"), f"/usr{text}"):
                names[name].add(file)
    owners: dict[Path, str] = {}
    asked = sorted(names)
    for start in range(0, len(asked), _AT_ONCE):
        for line in _ask("-S", *asked[start : start + _AT_ONCE]):
            owner, _, path = line.rpartition(": ")
            if path in names and owner and "," not in owner:
                owners |= dict.fromkeys(names[path], owner)
    if not owners:
        return {}
    known: dict[str, Package] = {}
    vendor, release = _system()
    for line in _ask("-W", "-f", _FORMAT, *sorted(set(owners.values()))):
        name, version, architecture = (*line.split("\t"), "", "")[:3]
        one = Package(name, version, architecture, vendor, release)
        known |= {name: one, f"{name}:{architecture}": one}
    return {file: known[owner] for file, owner in owners.items() if owner in known}


def _ask(*words: str) -> list[str]:
    lines: list[str] = []

    def read(text: str) -> None:
        lines.extend(text.splitlines())

    try:
        # Exit code 1: some are of no package. Its language decides the sentences only.
        run_program(["dpkg-query", *words], log=read, timeout=_PATIENCE)
    except SlipwayError:
        return []
    return lines


def _system() -> tuple[str, str]:
    try:
        facts = platform.freedesktop_os_release()
    except OSError:
        return "debian", ""
    vendor, version = facts.get("ID", "debian"), facts.get("VERSION_ID", "")
    return vendor, f"{vendor}-{version}" if version else ""
