"""The distributions that a stage's code is made of: Slipway, and the plugins beside it.

A plugin travels as Slipway does, from the files that run here: it need not be in any index. One
with compiled parts would not run on another system: it is named with its version, for the worker's
index.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from slipway.extension_points import EXTENSION_POINTS
from slipway.model.kinds.registry import OURS
from slipway.workers.bundle.own_wheel import own_content, write_wheel

__all__ = ["Piece", "Pieces", "pieces_here"]

_NATIVE = (".so", ".pyd", ".dll", ".dylib")
_COMPILED = (".pyc", ".pyo")
#: The files of a plugin's metadata that travel; the installer writes the others.
_TOLD = ("METADATA", "entry_points.txt")


@dataclass(frozen=True)
class Piece:
    """A distribution."""

    name: str
    version: str
    content: tuple[tuple[str, bytes], ...] = ()
    """Its files with their content; empty: the worker's index has it."""

    @property
    def requirement(self) -> str:
        """The requirement that only this version satisfies."""
        return f"{self.name}=={self.version}"

    @property
    def record(self) -> str:
        """Hash of what is installed: the same code has the same one on every machine.

        Not that of a wheel's bytes, which depend on the compressing library.
        """
        lines = [f"{name},{hashlib.sha256(data).hexdigest()}\n" for name, data in self.content]
        return hashlib.sha256("".join([self.requirement, "\n", *lines]).encode()).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write its wheel into a folder; the same content gives the same bytes."""
        return write_wheel(folder, self.name, self.version, self.content)


@dataclass(frozen=True)
class Pieces:
    """All the code that stages here run."""

    carried: tuple[Piece, ...]
    """Slipway first."""
    named: tuple[Piece, ...] = ()
    left_out: tuple[str, ...] = ()
    """Sentences about plugins that a worker can get neither way."""

    @property
    def records(self) -> frozenset[str]:
        """The hashes of all pieces."""
        return frozenset(one.record for one in (*self.carried, *self.named))


def pieces_here() -> Pieces:
    """Collect the code of the stages as it is installed here.

    Raises:
        MissingTool: This Slipway is an editable install that links no rooms.
    """
    ours = metadata.distribution(OURS)
    carried, named = [Piece(OURS, ours.version, tuple(own_content()))], []
    left_out = []
    for dist in _plugins():
        files = tuple(sorted(_content(dist)))
        if not any(name.endswith(_NATIVE) for name, _ in files):
            carried.append(Piece(dist.name, dist.version, files))
        elif dist.read_text("direct_url.json"):
            left_out.append(
                f"{dist.name} {dist.version} has compiled parts and is from no index: install it "
                "on each worker that is to run its stages"
            )
        else:
            named.append(Piece(dist.name, dist.version))
    return Pieces(tuple(carried), tuple(named), tuple(left_out))


def _plugins() -> list[metadata.Distribution]:
    """Return the distributions of others whose kinds can be used, each once."""
    found = {dist.name: dist for kinds in EXTENSION_POINTS for dist in kinds.plugins()}
    return [found[name] for name in sorted(found)]


def _content(dist: metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield a plugin's files with their content."""
    about = f"{re.sub('[-_.]+', '_', dist.name).lower()}-{dist.version}.dist-info"
    for name in _TOLD:
        yield f"{about}/{name}", (dist.read_text(name) or "").encode()
    if not dist.read_text("RECORD") or _is_editable(dist):
        for top in sorted({_top(point) for point in dist.entry_points if _is_point(point)}):
            yield from _package(top)
        return
    for file in dist.files or ():
        inside = not {"..", "__pycache__"} & set(file.parts) and not file.is_absolute()
        if inside and file.suffix not in _COMPILED and not file.parts[0].endswith(".dist-info"):
            yield file.as_posix(), Path(str(file.locate())).read_bytes()


def _is_editable(dist: metadata.Distribution) -> bool:
    told = json.loads(dist.read_text("direct_url.json") or "{}")
    return bool(told.get("dir_info", {}).get("editable"))


def _is_point(point: metadata.EntryPoint) -> bool:
    return point.group in {kinds.group for kinds in EXTENSION_POINTS}


def _top(point: metadata.EntryPoint) -> str:
    return point.module.partition(".")[0]


def _package(top: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a top-level package or module, wherever it is imported from."""
    spec = find_spec(top)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        for where, folders, names in os.walk(place):
            folders[:] = sorted(one for one in folders if one != "__pycache__")
            for name in sorted(names):
                if not name.endswith(_COMPILED):
                    file = Path(where, name)
                    yield f"{top}/{file.relative_to(place).as_posix()}", file.read_bytes()
    if spec is not None and not spec.submodule_search_locations and spec.origin:
        yield f"{top}.py", Path(spec.origin).read_bytes()
