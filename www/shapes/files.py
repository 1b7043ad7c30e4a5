"""Shapes of files that stages leave."""

from __future__ import annotations

from slipway.www.shapes.base import Shape


class Artefact(Shape):
    """A file that a stage left."""

    stage: str
    cell: str
    uses: str
    name: str
    sha256: str
    size: int
    media_type: str
    role: str
    url: str
