"""Read the distributions of an environment, and those whose metadata are in a frozen tree."""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import cast

from packaging.utils import canonicalize_name

from slipway.scripts.stages.freeze.contents.licences import Licences, read_licences

__all__ = ["Distribution", "Environment", "read_inside"]

#: Of a distribution, in a library.zip.
_METADATA = re.compile(r"[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO)")


@dataclass(frozen=True)
class Distribution:
    """A distribution of PyPI, or one like those."""

    name: str
    version: str
    licences: Licences
    requires: tuple[str, ...] = ()
    summary: str = ""

    @property
    def key(self) -> str:
        """Its name as indexes compare it."""
        return str(canonicalize_name(self.name))


def _read(facts: Message) -> Distribution | None:
    name, version = str(facts["Name"] or ""), str(facts["Version"] or "")
    if not name or not version:
        return None
    licences = read_licences(facts)
    requires = tuple(str(one) for one in facts.get_all("Requires-Dist") or ())
    return Distribution(name, version, licences, requires, str(facts["Summary"] or ""))


def _read_all(folders: Iterable[str]) -> Iterator[tuple[Distribution, metadata.Distribution]]:
    for found in metadata.distributions(path=list(folders)):
        # The typing of importlib's PackageMetadata lacks what Message has.
        one = _read(cast("Message", found.metadata))
        if one is not None:
            yield one, found


def read_inside(tree: Path) -> dict[str, Distribution]:
    """Return the distributions whose metadata are in a frozen tree, by their key."""
    found = [one for one, _ in _read_all([str(tree / "lib")])]
    packed = tree / "lib" / "library.zip"
    if packed.is_file():
        # Not by importlib.metadata, which keeps the file open: Windows renames no folder with one.
        with zipfile.ZipFile(packed) as archive:
            given = [archive.read(name) for name in archive.namelist() if _METADATA.fullmatch(name)]
        found += [one for about in given if (one := _read(message_from_bytes(about)))]
    return {one.key: one for one in sorted(found, key=lambda one: one.key)}


class Environment:
    """Which distribution each file of an environment is from."""

    def __init__(self, folders: Iterable[str]) -> None:
        """Read the records of its distributions.

        Args:
            folders: Where its packages are, its site-packages.
        """
        self.distributions: dict[str, Distribution] = {}
        self._owners: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        for one, found in _read_all(folders):
            self.distributions[one.key] = one
            base = os.fspath(str(found.locate_file("")))
            # `found.files` makes objects of ten thousands of names.
            for name in _recorded(found):
                path = os.path.normpath(f"{base}{os.sep}{name}")
                self._owners[path] = one.key
                if "/" in name:
                    self._folders.setdefault(os.path.dirname(path), one.key)  # noqa: PTH120

    def owner(self, file: str) -> str | None:
        """Return the key of the distribution that a file is from; None: of none.

        A file that no record names is its folder's: pip does not record all that is made later.
        """
        found = self._owners.get(file)
        return found or self._folders.get(os.path.dirname(file))  # noqa: PTH120


def _recorded(found: metadata.Distribution) -> Iterator[str]:
    for row in csv.reader((found.read_text("RECORD") or "").splitlines()):
        if row:
            yield row[0]
