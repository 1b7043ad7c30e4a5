"""Say why each part of a frozen program is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from slipway.scripts.binaries.binary import Binary
from slipway.scripts.humanize import count_text
from slipway.scripts.stages.freeze.contents.files import LIBRARY
from slipway.scripts.stages.freeze.contents.parts import APPLICATION, BOOTSTRAP, PYTHON, Part
from slipway.scripts.stages.freeze.sbom.requirements import required
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["module_of", "reasons"]

#: Names of one kind that are told; more are counted.
_TOLD = 3


def module_of(path: str) -> str:
    """Return the name of the module that a file of a tree is; empty: it is none."""
    inner = path.removeprefix(f"{LIBRARY}/").removeprefix("lib/")
    folder, _, name = inner.rpartition("/")
    stem, _, suffix = name.partition(".")
    if not (suffix == "pyc" or suffix.endswith(("so", "pyd"))) or not stem.isidentifier():
        return ""
    parts = [*filter(None, folder.split("/")), *([] if stem == "__init__" else [stem])]
    return ".".join(parts)


def reasons(
    parts: Sequence[Part],
    facts: Mapping[str, Any],
    stage: FreezeStage,
    binaries: Iterable[Binary],
) -> dict[str, list[str]]:
    """Return, by the key of each part, sentences that say why it is in the program.

    Args:
        parts: The parts.
        facts: What the guest said of the tree.
        stage: The settings.
        binaries: The tree's binaries.
    """
    owners = {module_of(held.path): one.key for one in parts for held in one.files}
    owners.pop("", None)
    names = {one.key: one.name for one in parts}
    found: dict[str, list[str]] = {one.key: [] for one in parts}
    for key, asking in _askers(owners, facts["places"]["imported_by"]).items():
        if key in found:
            found[key].append(f"imported by {_listed(names.get(one, one) for one in asking)}")
    for key, learned in _learned(parts, owners, facts["added"]).items():
        found[key].append(learned)
    for one in parts:
        found[one.key] += _by_settings(one, owners, stage)
        if one.kind in {"package", "file"}:
            found[one.key] += _by_binaries(one, binaries)
    _fixed(found)
    _required(parts, found, names, str(facts["python"]))
    return found


def _fixed(found: dict[str, list[str]]) -> None:
    for key, text in (
        (APPLICATION, "the program itself"),
        (PYTHON, "runs the program"),
        (BOOTSTRAP, "starts Python in the frozen program"),
        ("freeze-core", "the executables and Python's own libraries, as cx_Freeze ships them"),
    ):
        if key in found:
            found[key] = [text]


def _required(
    parts: Sequence[Part], found: dict[str, list[str]], names: Mapping[str, str], python: str
) -> None:
    """Add what is left: who requires it, or that cx_Freeze takes it by itself."""
    known = {one.key: one.distribution for one in parts if one.distribution is not None}
    edges = required(known, python)
    for key, why in found.items():
        if not why:
            by = [names[one] for one, needs in sorted(edges.items()) if key in needs]
            why.append(f"required by {_listed(by)}" if by else "taken by cx_Freeze with Python")


def _askers(owners: Mapping[str, str], imported_by: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the parts that import from each part, in order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for module, asker in imported_by.items():
        key = owners.get(module)
        by = APPLICATION if asker.startswith("__main__") else owners.get(asker)
        if key is not None and by not in {None, key}:
            found[key][str(by)] = None
    return {key: list(asking) for key, asking in found.items()}


def _learned(
    parts: Sequence[Part], owners: Mapping[str, str], added: Iterable[Sequence[str]]
) -> dict[str, str]:
    """Return what of each part was added by learning, and from what."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    files = {held.path: one.key for one in parts for held in one.files}
    known = {one.key for one in parts}
    for kind, value, why in added:
        target = value.rpartition(":")[2]
        key = {
            "metadata": str(canonicalize_name(value)),
            "include-files": files.get(target, ""),
        }.get(kind, owners.get(value, ""))
        if key in known:
            found[key][why].append(target if kind == "include-files" else value)
    return {
        key: "learned: " + "; ".join(f"{_listed(names)} {why}" for why, names in by_why.items())
        for key, by_why in found.items()
    }


def _by_settings(part: Part, owners: Mapping[str, str], stage: FreezeStage) -> list[str]:
    found = []
    for setting in ("packages", "includes"):
        named = [name for name in getattr(stage, setting) if owners.get(name) == part.key]
        if named:
            found.append(f"{setting} of the stage: {_listed(named)}")
    if any(str(canonicalize_name(name)) == part.key for name in stage.metadata):
        found.append("metadata of the stage")
    return found


def _by_binaries(part: Part, binaries: Iterable[Binary]) -> list[str]:
    inside = {held.path for held in part.files}
    known = list(binaries)
    names = {one.name for one in known if one.path.as_posix() in inside}
    users = [
        one.path.name
        for one in known
        if names.intersection(one.imports.needs) and one.path.as_posix() not in inside
    ]
    return [f"copied from this machine; loaded by {_listed(users)}"] if users else []


def _listed(given: Iterable[str]) -> str:
    names = list(given)
    more = len(names) - _TOLD
    text = ", ".join(names[:_TOLD])
    return f"{text} and {count_text(more, 'more', 'more')}" if more > 0 else text
