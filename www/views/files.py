"""Show artefacts and their download addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from slipway.ledger.tables import runs as tables
from slipway.www.shapes.files import Artefact

#: Path of the endpoints on the web UI's host.
BASE = "/plugins/slipway/api/"


def url(sha256: str, name: str) -> str:
    """Return an artefact's download address."""
    return f"{BASE}artefacts/{sha256}?name={quote(name, safe='')}"


def artefact(row: tables.Artefact, stage: tables.StageResult) -> Artefact:
    """Return an artefact of an attempt as a shape."""
    return Artefact(
        stage=stage.name,
        cell=stage.cell,
        uses=stage.uses,
        name=row.name,
        sha256=row.sha256,
        size=row.size,
        media_type=row.media_type,
        role=row.role,
        url=url(row.sha256, row.name),
    )


def in_release(kept: Mapping[str, Any]) -> Artefact:
    """Return an artefact from a release's row as a shape."""
    return Artefact(
        stage=str(kept.get("stage", "")),
        cell=str(kept.get("cell", "")),
        uses=str(kept.get("uses", "")),
        name=str(kept["name"]),
        sha256=str(kept["sha256"]),
        size=int(kept["size"]),
        media_type=str(kept.get("media_type", "application/octet-stream")),
        role="product",
        url=url(str(kept["sha256"]), str(kept["name"])),
    )
