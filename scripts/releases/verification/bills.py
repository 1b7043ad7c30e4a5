"""Check bills of materials: each is a CycloneDX document, and agrees with the released files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slipway.model.errors import SlipwayError
from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.strict_json import parse, read_small

__all__ = ["BILL", "bill_problem"]

#: What the name of a bill of materials ends with.
BILL = ".cdx.json"
_VERSIONS = frozenset({"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"})
#: Bytes; that of a frozen program with 10,000 files has 4 MB.
_MOST = 256 << 20
_MOST_COMPONENTS = 2_000_000


def bill_problem(folder: Path, name: str, manifest: Manifest) -> str:
    """Return what is wrong with a bill of materials; empty: nothing.

    Args:
        folder: The release's folder.
        name: The bill's name.
        manifest: The release's manifest.
    """
    try:
        content = parse(read_small(folder, name, _MOST), name)
    except SlipwayError as error:
        return str(error)
    if not isinstance(content, dict) or content.get("bomFormat") != "CycloneDX":
        return "is no CycloneDX document: bomFormat must say so"
    if content.get("specVersion") not in _VERSIONS:
        return f"is CycloneDX of the unknown version {str(content.get('specVersion'))[:20]!r}"
    try:
        return next(_differences(content, {one.name: one.sha256 for one in manifest.artefacts}), "")
    except (TypeError, AttributeError, RecursionError):
        return "is no CycloneDX document: its components are none"


def _differences(content: Mapping[str, Any], released: Mapping[str, str]) -> Iterator[str]:
    metadata = content.get("metadata") or {}
    waiting = [*content.get("components", ()), metadata.get("component") or {}]
    count = 0
    while waiting:
        component = waiting.pop()
        count += 1
        if count > _MOST_COMPONENTS:
            yield f"has more than {_MOST_COMPONENTS:,} components"
            return
        waiting += component.get("components", ())
        said = _sha256(component)
        expected = released.get(str(component.get("name", "")))
        if said and expected and said != expected:
            yield (
                f"says of the released {component['name']} that its sha256 is {said}, and it is "
                f"{expected}"
            )


def _sha256(component: Mapping[str, Any]) -> str:
    hashes = component.get("hashes") or ()
    return next((str(one["content"]).lower() for one in hashes if one.get("alg") == "SHA-256"), "")
