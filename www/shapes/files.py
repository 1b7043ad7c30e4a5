"""Shapes of files that stages leave."""

from __future__ import annotations

from slipway.model.records.artefact import ArtefactRecord
from slipway.www.shapes.base import Shape

__all__ = ["Artefact"]


class Artefact(ArtefactRecord, Shape):
    """A file that a stage left."""

    url: str
    """Its download address on the web UI's host."""
