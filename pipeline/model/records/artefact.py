"""Record of an artefact."""

from __future__ import annotations

from slipway.model.records.base import Record

__all__ = ["ArtefactRecord"]


class ArtefactRecord(Record):
    """A file that a stage left."""

    stage: str
    cell: str
    uses: str
    """The kind of the stage."""
    name: str
    sha256: str
    size: int
    """In bytes."""
    media_type: str
    role: str
