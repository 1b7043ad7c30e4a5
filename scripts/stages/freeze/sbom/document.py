"""Write the bill of materials of a frozen tree as CycloneDX 1.6, the same bytes for the same tree.

Written by hand: the format is JSON, and the library for it would come into the environment of each
worker. The tests read what is written here with that library, which has the format's own schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slipway.scripts.archives.bills import bill_text
from slipway.scripts.binaries.binary import Binary
from slipway.scripts.stages.freeze.contents.files import Held
from slipway.scripts.stages.freeze.contents.licences import Licences
from slipway.scripts.stages.freeze.contents.parts import APPLICATION, BOOTSTRAP, PYTHON, Part
from slipway.scripts.stages.freeze.sbom.requirements import required

__all__ = ["sbom_text", "with_version"]


def sbom_text(
    parts: Sequence[Part], binaries: Iterable[Binary], facts: Mapping[str, Any], epoch: int
) -> str:
    """Return the bill of materials.

    Args:
        parts: The parts of the tree, the application first.
        binaries: The tree's binaries.
        facts: What the guest said of it.
        epoch: Its time, in seconds since 1970.
    """
    sonames = {one.path.as_posix(): one.name for one in binaries}
    application, *others = parts
    platform = str(facts["platform"])
    body: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lifecycles": [{"phase": "post-build"}],
            "tools": {
                "components": [
                    {"type": "application", "name": "slipway", "version": version("slipway")}
                ]
            },
            "component": _component(application, sonames),
            "properties": [{"name": "slipway:platform", "value": platform}],
        },
        "components": [_component(one, sonames) for one in others],
        "dependencies": _dependencies(parts, str(facts["python"])),
    }
    return bill_text(body)


def with_version(text: str, version_of_application: str) -> str:
    """Return a bill of materials for another version of an application with the same contents.

    Args:
        text: What `sbom_text` returned.
        version_of_application: The version.

    Raises:
        ValueError: It is no such text.
    """
    body = json.loads(text)
    body["metadata"]["component"]["version"] = version_of_application
    return bill_text(body)


def _component(part: Part, sonames: Mapping[str, str]) -> dict[str, Any]:
    kinds = {"application": "application", "python": "platform", "file": "file"}
    found: dict[str, Any] = {
        "type": kinds.get(part.kind, "library"),
        "bom-ref": part.key,
        "name": part.name,
    }
    if part.version:
        found["version"] = part.version
    if part.distribution is not None and part.distribution.summary:
        found["description"] = part.distribution.summary
    if part.kind == "python":
        found |= {
            "purl": f"pkg:generic/python@{quote(part.version, safe='')}",
            "cpe": f"cpe:2.3:a:python:python:{part.version.rstrip('+')}:*:*:*:*:*:*:*",
            "licenses": [{"expression": "PSF-2.0"}],
        }
    elif part.kind == "distribution" and part.version:
        found["purl"] = f"pkg:pypi/{quote(part.key, safe='')}@{quote(part.version, safe='')}"
    elif part.package is not None:
        found["purl"] = _purl_of_package(part)
    if part.distribution is not None and part.distribution.licences:
        found["licenses"] = _licences(part.distribution.licences)
    if part.kind == "file":
        (held,) = part.files
        return found | _facts_of_file(held, sonames)
    files = [
        {"type": "file", "name": held.path} | _facts_of_file(held, sonames) for held in part.files
    ]
    return found | ({"components": files} if files else {})


def _facts_of_file(held: Held, sonames: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"hashes": [{"alg": "SHA-256", "content": held.sha256}]}
    name = sonames.get(held.path)
    if name is not None and name != Path(held.path).name:
        found["properties"] = [{"name": "slipway:soname", "value": name}]
    return found


def _purl_of_package(part: Part) -> str:
    package = part.package
    if package is None:
        return ""
    words = [("arch", package.architecture), ("distro", package.release)]
    given = "&".join(f"{name}={quote(value, safe='')}" for name, value in words if value)
    name = quote(package.name, safe="")
    place = f"pkg:deb/{quote(package.vendor, safe='')}/{name}@{quote(package.version, safe='')}"
    return f"{place}?{given}" if given else place


def _licences(names: Licences) -> list[dict[str, Any]]:
    if names.is_expression:
        return [{"expression": names[0]}]
    return [{"license": {"name": name}} for name in names]


def _dependencies(parts: Sequence[Part], python: str) -> list[dict[str, Any]]:
    """Return who needs whom, of what is in the tree; what nobody asks for, the application does."""
    known = {one.key: one.distribution for one in parts if one.distribution is not None}
    edges = required(known, python)
    asked = {need for key, needs in edges.items() if key != APPLICATION for need in needs}
    rest = {one.key for one in parts if one.key not in {APPLICATION, *asked}}
    edges[APPLICATION] = edges.get(APPLICATION, set()) | rest
    for part in parts:
        edges.setdefault(part.key, set())
        if part.kind == "distribution" and part.key != BOOTSTRAP and PYTHON in rest:
            edges[part.key] = edges[part.key] | {PYTHON}
    return [
        {"ref": key} | ({"dependsOn": sorted(needs)} if needs else {})
        for key, needs in sorted(edges.items())
    ]
