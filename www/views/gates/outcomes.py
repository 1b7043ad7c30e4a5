"""Show the outcomes of the stages that gates started."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.records.runs import attempt_result
from slipway.ledger.tables.gates import Deployment, Gate
from slipway.model.states import GateState
from slipway.www.shapes.gates import DeploymentMark, Outcome

__all__ = ["marks", "outcome"]


def marks(session: Session, attempts: Collection[Any]) -> dict[int, DeploymentMark]:
    """Return the deployments of attempts, by the attempt's id."""
    row = Deployment
    query = select(row.stage_id, row.id, row.state, row.message).where(row.stage_id.in_(attempts))
    return {
        found.stage_id: DeploymentMark(id=found.id, state=found.state, message=found.message)
        for found in session.execute(query)
    }


def outcome(
    gate: Gate, deployments: Mapping[int, DeploymentMark], queued: Mapping[int, str]
) -> Outcome | None:
    """Return the outcome of the attempt that a gate started; None if there is none yet."""
    found = next((one for one in gate.run.stages if one.id == gate.stage_id), None)
    if gate.state != GateState.OPENED or found is None:
        return None
    return Outcome.extend(
        attempt_result(found),
        waits=queued.get(found.id, ""),
        deployment=deployments.get(found.id),
    )
