"""Delete the artefacts of old runs."""

from __future__ import annotations

from slipway.www.api.call import Call
from slipway.www.shapes.prunings import Pruned

__all__ = ["prune"]


async def prune(call: Call) -> Pruned:
    """Answer POST prunings."""
    body = call.body
    name = None if body.project is None else call.outline(body.project).name
    found = await call.ledger.pruning.prune(name, actor=call.person.name, dry_run=body.dry_run)
    return Pruned.model_validate(found)
