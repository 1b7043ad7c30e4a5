"""The versions of packages that the master runs with, for environments on its workers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["installed_extras", "pinned_versions"]

#: Extras of Slipway that no stage needs.
_NOT_OF_STAGES = frozenset({"master", "worker"})
#: The name of a distribution, and its extras.
_Wanted = tuple[str, frozenset[str]]


def pinned_versions(tops: Iterable[str]) -> list[str]:
    """Return `name==version` of all that some distributions need, with their extras.

    What came from no index (a folder, a URL) or has a local version is left free: a worker could
    not get that one. What is not installed here, for another system for example, is free, too.

    Args:
        tops: The names of the distributions; they themselves are not among the result.
    """
    top = {canonicalize_name(name) for name in tops}
    # Any extra of theirs may be on a worker; of what they need, those that they ask for.
    waiting: list[_Wanted] = [
        (name, frozenset(_extras(name)) - _NOT_OF_STAGES) for name in sorted(top)
    ]
    seen = set(waiting)
    while waiting:
        new = set(_needs(*waiting.pop())) - seen
        seen |= new
        waiting += new
    return sorted({pin for name, _ in seen if name not in top for pin in _pin(name)})


def _needs(name: str, extras: frozenset[str]) -> Iterator[_Wanted]:
    """Yield what a distribution needs with some extras, as far as it is installed."""
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        marker = wanted.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in {"", *extras}):
            there = canonicalize_name(wanted.name)
            if _version(there):
                yield there, frozenset(wanted.extras)


def _extras(name: str) -> list[str]:
    return metadata.distribution(name).metadata.get_all("Provides-Extra") or []


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _pin(name: str) -> list[str]:
    dist = metadata.distribution(name)
    told = json.loads(dist.read_text("direct_url.json") or "{}")
    if told or Version(dist.version).local:
        return []
    return [f"{name}=={dist.version}"]


def installed_extras(name: str) -> list[str]:
    """Return the extras of a distribution, wanted by stages, whose packages are all here.

    Who has set this machine up for PostgreSQL's own binaries, for example, has installed them.
    """
    needed: dict[str, list[str]] = {}
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        for extra in _extras(name):
            alone = wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})
            if alone and wanted.marker and wanted.marker.evaluate({"extra": extra}):
                needed.setdefault(extra, []).append(wanted.name)
    return sorted(
        extra
        for extra, names in needed.items()
        if extra not in _NOT_OF_STAGES and all(map(_version, names))
    )
