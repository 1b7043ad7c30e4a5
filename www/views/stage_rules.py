"""Show what a stage waits for, as configured in pipeline.toml."""

from __future__ import annotations

from slipway.www.api.graph_columns import Place
from slipway.www.shapes.stages import StageRules

__all__ = ["stage_rules"]


def stage_rules(place: Place | None) -> StageRules:
    """Return what a stage waits for; nothing if pipeline.toml no longer has it."""
    if place is None:
        return StageRules(needs=[], on_failure=[], allowed=[], approvals=0)
    stage = place.stage
    return StageRules(
        needs=list(stage.needs),
        on_failure=list(stage.on_failure),
        allowed=list(stage.allowed) if stage.manual else [],
        approvals=stage.approvals,
    )
