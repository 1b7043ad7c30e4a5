"""Shapes of stages as configured in pipeline.toml."""

from __future__ import annotations

from slipway.www.shapes.base import Shape

__all__ = ["StageMark", "StageRules"]


class StageMark(Shape):
    """A stage in short form."""

    name: str
    uses: str
    manual: bool
    environment: str | None
    allow_failure: bool
    level: int
    """Its column in the graph: 0, or one more than the greatest of what it waits for."""


class StageRules(Shape):
    """What a stage waits for: other stages, and people."""

    needs: list[str]
    on_failure: list[str]
    allowed: list[str]
    approvals: int
