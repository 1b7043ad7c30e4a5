"""Keep a frozen tree, and freeze again by it what has changed of the project's own files."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.model.errors import SlipwayError, Stopped
from slipway.scripts.archives.limits import name_trouble
from slipway.scripts.atomic_files import link_file
from slipway.scripts.binaries.binary import read_binary
from slipway.scripts.report import hash_file
from slipway.scripts.stages.freeze.contents.files import LIBRARY
from slipway.scripts.stages.freeze.freezing import Frozen
from slipway.scripts.stages.freeze.libraries.closure import Closure, Finding
from slipway.scripts.stages.freeze.reuse.shelf import Damaged, Shelf

__all__ = ["Again", "keep_tree", "refreeze", "take_aside"]

_TREE = "tree"
#: Folders and files at the top that no program is made of, unless some of them are in it.
_BESIDE = frozenset({"test", "tests", "doc", "docs"})
_TEXTS = (".md", ".rst", ".adoc")


@dataclass(frozen=True)
class Again:
    """A tree that was made of an earlier one."""

    frozen: Frozen
    libraries: Closure


def take_aside(tree: Path, aside: Path) -> None:
    """Make a copy of a tree, of the same files where links to them can be made."""
    shutil.copytree(tree, aside, symlinks=True, copy_function=link_file)


def keep_tree(
    shelf: Shelf,
    key: str,
    aside: Path,
    made: Again,
    project: Mapping[str, str],
) -> None:
    """Keep a tree.

    Args:
        shelf: Where trees are kept.
        key: What decides it, besides the project's files.
        aside: What `take_aside` made; it is moved.
        made: What is known of it.
        project: The hashes of the project's files.
    """
    if made.frozen.facts.get("own") is None:
        return

    def fill(folder: Path) -> dict[str, Any]:
        tree = folder / _TREE
        shutil.move(aside, tree)
        paths = sorted(tree.rglob("*"))
        return {
            "facts": made.frozen.facts,
            "libraries": asdict(made.libraries),
            "project": dict(project),
            "folders": [
                path.relative_to(tree).as_posix()
                for path in paths
                if path.is_dir() and not path.is_symlink()
            ],
            "links": {
                path.relative_to(tree).as_posix(): os.fspath(path.readlink())
                for path in paths
                if path.is_symlink()
            },
            "files": {
                path.relative_to(tree).as_posix(): hash_file(path)
                for path in paths
                if path.is_file() and not path.is_symlink()
            },
        }

    shelf.put(key, fill)


def refreeze(
    shelf: Shelf,
    key: str,
    target: Path,
    project: Mapping[str, str],
    source: Path,
    compile_own: Callable[[dict[str, Any], Path], dict[str, Any]],
    work: Path,
) -> Again | None:
    """Make a tree of the kept one; None: it has to be frozen in full.

    Args:
        shelf: Where trees are kept.
        key: What decides the tree, besides the project's files.
        target: The tree to make.
        project: The hashes of the project's files.
        source: The project.
        compile_own: Calls the guest with what it needs, and returns its answer.
        work: A folder for what the guest writes.
    """
    found = shelf.find(key)
    if found is None:
        return None
    folder, notes = found
    try:
        return _Tree(folder / _TREE, notes, source, project).again(target, compile_own, work)
    except Stopped:
        raise
    except SlipwayError:
        # The guest could not: a full freeze says why.
        return None
    except (Damaged, OSError, ValueError, TypeError, KeyError):
        shutil.rmtree(target, ignore_errors=True)
        shelf.drop(key)
        return None


class _Tree:
    """A kept tree, and what has changed since."""

    def __init__(
        self, tree: Path, notes: dict[str, Any], source: Path, project: Mapping[str, str]
    ) -> None:
        self._tree, self._notes, self._source = tree, notes, source
        for name in (*notes["files"], *notes["folders"], *notes["links"]):
            if Path(name).is_absolute() or ".." in Path(name).parts or name_trouble(name):
                raise Damaged
        self._own: dict[str, Any] = notes["facts"]["own"]
        self._project = project
        self._modules: dict[str, list[str]] = {}
        for name, one in self._own["modules"].items():
            self._modules.setdefault(str(self._inner(one["file"])), []).append(name)
        codes = {one["target"] for one in self._own["modules"].values()}
        self._copied: dict[str, list[str]] = {}
        for place, file in notes["facts"]["places"]["files"].items():
            inner = self._inner(file)
            if inner is None or inner not in notes["project"]:
                continue
            if place not in codes and place in notes["files"]:
                self._copied.setdefault(inner, []).append(place)

    def _inner(self, file: str) -> str | None:
        path = Path(file)
        inside = self._source in path.parents
        return path.relative_to(self._source).as_posix() if inside else None

    def again(
        self,
        target: Path,
        compile_own: Callable[[dict[str, Any], Path], dict[str, Any]],
        work: Path,
    ) -> Again | None:
        changed = self._changed()
        if changed is None:
            return None
        names = [name for path in changed for name in self._modules.get(path, ())]
        copies = [(path, place) for path in changed for place in self._copied.get(path, ())]
        asked = {
            "modules": {name: self._own["modules"][name] for name in names},
            "constants": self._own["constants"],
            "folder": str(work),
        }
        answer = compile_own(asked, work)
        if not self._imports_the_same(answer["imports"]):
            return None
        self._restore(target)
        self._place(target, work / "files")
        for path, place in copies:
            (target / place).unlink()
            shutil.copy2(self._source / path, target / place)
        facts = self._notes["facts"]
        own = set(self._own["modules"])
        checked = [name for name in facts["checked"] if name in own]
        libraries = dict(self._notes["libraries"])
        findings = tuple(Finding(**one) for one in libraries.pop("findings"))
        closure = Closure(
            findings,
            tuple(libraries["copyable"]),
            str(libraries["floor"]),
            tuple(libraries["copied"]),
        )
        return Again(Frozen(facts | {"checked": checked}), closure)

    def _changed(self) -> list[str] | None:
        """Return the paths of files that differ; None: some of them may decide more than that."""
        before, now = self._notes["project"], self._project
        changed = []
        for path in sorted({*before, *now}):
            old, new = before.get(path), now.get(path)
            if old == new or self._is_beside(path):
                continue
            known = path in self._modules or path in self._copied
            if old is None or new is None or not known or "link" in {old[:4], new[:4]}:
                return None
            file = self._source / path
            if path in self._copied and read_binary(file) is not None:
                return None
            # How files may be used is noted in their copies alone.
            if path in self._modules and file.suffix not in {"", ".py"}:
                return None
            changed.append(path)
        return changed

    def _is_beside(self, path: str) -> bool:
        """Return True for a file that is not in the program and decides nothing in it."""
        inside = {*self._modules, *self._copied}
        top, slash, _ = path.partition("/")
        if not slash:
            return path.endswith(_TEXTS) and path not in inside
        return top in _BESIDE and not any(one.startswith(f"{top}/") for one in inside)

    def _imports_the_same(self, compiled: Mapping[str, list[str]]) -> bool:
        """Return True if the project's code imports what it did: neither more nor less."""
        before = {name: one["imports"] for name, one in self._own["modules"].items()}
        return _imported(before) == _imported(before | dict(compiled))

    def _restore(self, target: Path) -> None:
        """Copy the kept tree.

        Raises:
            Damaged: A file is not what it was.
        """
        target.mkdir(parents=True)
        for name in self._notes["folders"]:
            (target / name).mkdir()
        for name, wanted in self._notes["files"].items():
            file, copy = self._tree / name, target / name
            if file.is_symlink():
                raise Damaged
            # What is changed in place later gets a file of its own.
            (shutil.copy2 if name.endswith((".pyc", ".zip")) else link_file)(file, copy)
            if hash_file(copy) != wanted:
                raise Damaged
        for name, link in self._notes["links"].items():
            (target / name).symlink_to(link)

    def _place(self, target: Path, made: Path) -> None:
        """Put compiled modules into a tree, and into its archive of modules."""
        packed = {}
        for file in sorted(path for path in made.rglob("*") if path.is_file()):
            name = file.relative_to(made).as_posix()
            if name.startswith(f"{LIBRARY}/"):
                packed[name.removeprefix(f"{LIBRARY}/")] = file.read_bytes()
            elif name in self._notes["files"]:
                (target / name).write_bytes(file.read_bytes())
            else:
                raise Damaged
        _replace(target / LIBRARY, packed)


def _imported(modules: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    """Return all imports; with who has them where the name is relative."""
    return {
        (name if json.loads(one)[2] else "", one)
        for name, found in modules.items()
        for one in found
    }


def _replace(archive: Path, members: Mapping[str, bytes]) -> None:
    """Replace members of a zip file.

    Raises:
        Damaged: One is not in it.
    """
    aside = archive.with_suffix(".new")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(aside, "w") as new:
        if not members.keys() <= set(old.namelist()):
            raise Damaged
        for entry in old.infolist():
            written = zipfile.ZipInfo(entry.filename, time.gmtime(0x_2000_0000)[:6])
            written.compress_type, written.external_attr = entry.compress_type, entry.external_attr
            content = members.get(entry.filename)
            new.writestr(written, old.read(entry) if content is None else content)
    aside.replace(archive)
