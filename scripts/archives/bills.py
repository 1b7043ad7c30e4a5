"""Write bills of materials (CycloneDX) so that the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

__all__ = ["bill_text", "with_hashes"]

#: Of the references of files that belong to no package; what follows is the path.
_FILE = "file:"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.6")


def bill_text(body: Mapping[str, Any]) -> str:
    """Return the document with a serial number that only its content decides."""
    rest = {key: value for key, value in body.items() if key != "serialNumber"}
    content = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    serial = uuid.uuid5(_NAMESPACE, hashlib.sha256(content.encode()).hexdigest())
    whole = rest | {"serialNumber": f"urn:uuid:{serial}"}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def with_hashes(text: str, changed: Mapping[tuple[str, str], str]) -> str:
    """Return a bill of materials after some of its files have changed.

    Args:
        text: What `bill_text` returned.
        changed: The new SHA-256 of a file by its path in the tree and its old SHA-256.

    Raises:
        ValueError: It is no such text.
    """
    try:
        body = json.loads(text)
        _replace(body, changed)
        return bill_text(body)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _replace(part: Any, changed: Mapping[tuple[str, str], str]) -> None:
    reference = str(part.get("bom-ref", ""))
    is_alone = reference.startswith(_FILE)
    path = reference.removeprefix(_FILE) if is_alone else str(part.get("name", ""))
    for one in part.get("hashes", ()):
        one["content"] = changed.get((path, one["content"]), one["content"])
    within = [*part.get("components", ())]
    if "metadata" in part:
        within.append(part["metadata"].get("component", {}))
    for one in within:
        _replace(one, changed)
