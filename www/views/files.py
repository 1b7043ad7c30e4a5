"""Show artefacts and their download addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from slipway.ledger.records.runs import artefact_record, released_artefact
from slipway.ledger.tables import runs as tables
from slipway.model.records.artefact import ArtefactRecord
from slipway.www.shapes.files import Artefact

__all__ = ["BASE", "artefact", "in_release", "url"]

#: Path of the endpoints on the web UI's host.
BASE = "/plugins/slipway/api/"


def url(sha256: str, name: str) -> str:
    """Return an artefact's download address."""
    return f"{BASE}artefacts/{sha256}?name={quote(name, safe='')}"


def artefact(row: tables.Artefact, stage: tables.StageResult) -> Artefact:
    """Return an artefact of an attempt as a shape."""
    return _shape(artefact_record(row, stage))


def in_release(kept: Mapping[str, Any]) -> Artefact:
    """Return an artefact from a release's row as a shape."""
    return _shape(released_artefact(kept))


def _shape(record: ArtefactRecord) -> Artefact:
    return Artefact.extend(record, url=url(record.sha256, record.name))
