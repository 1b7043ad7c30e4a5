"""Show the conditions a gate waits for, and a person's permissions on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from slipway.ledger import run_state
from slipway.ledger.gates import has_expired
from slipway.ledger.tables import gates as gate_tables
from slipway.model.access import Person, may_open
from slipway.model.kinds.stage import Stage
from slipway.model.kinds.time_window import is_open, next_opening, sentence
from slipway.model.records.gate import Frozen
from slipway.model.states import UNDECIDED, Decision, GateState
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.gates import MayGate, WaitsFor

__all__ = ["may", "waits_for"]


def may(gate: gate_tables.Gate, stage: Stage | None, person: Person, now: float) -> MayGate:
    """Return a person's permissions on a gate, at this moment."""
    if stage is None or not may_open(person, stage.allowed):
        return MayGate(open=False, change=False, approve=False, reject=False)
    decided = {one.person for one in gate.approvals}
    own = gate.person == person.name and not stage.requester_counts
    asked, over = gate.state == GateState.ASKED, has_expired(gate, now)
    return MayGate(
        open=gate.state == GateState.OPEN and not over,
        change=asked and not over,
        approve=asked and not own and person.name not in decided and not over,
        reject=gate.state in UNDECIDED,
    )


def waits_for(
    gate: gate_tables.Gate, outline: Outline | None, freezes: Mapping[str, Frozen], now: float
) -> list[WaitsFor]:
    """Return the conditions a gate waits for, each as a sentence."""
    place = outline.places.get(gate.stage) if outline else None
    if gate.state not in UNDECIDED or outline is None or place is None:
        return []
    found = _people(gate, place.stage)
    if gate.stage_id is None:
        unmet = run_state.unmet(gate.run, place.stage, outline.project.stages)
        text = f"{', '.join(unmet)} must pass first" if unmet else "it becomes ready in a moment"
        found.append(WaitsFor(what="needs", text=text))
    freeze = freezes.get(gate.run.project)
    if freeze is not None:
        text = f"{gate.run.project} is frozen by {freeze.person}: {freeze.reason}"
        found.append(WaitsFor(what="freeze", text=text))
    at = datetime.fromtimestamp(now, UTC)
    if not is_open(place.stage.window, at):
        opening = next_opening(place.stage.window, at)
        until = opening.timestamp() if opening else None
        text = f"it starts only {sentence(place.stage.window)}"
        found.append(WaitsFor(what="window", text=text, until=until))
    return found


def _people(gate: gate_tables.Gate, stage: Stage) -> list[WaitsFor]:
    roles = " or ".join(stage.allowed)
    if gate.state == GateState.OPEN:
        until = gate.expires_at
        text = f"somebody with the role {roles} opens it"
        return [WaitsFor(what="person", text=text, until=until)]
    if gate.state == GateState.ASKED:
        given = sum(one.decision == Decision.APPROVE for one in gate.approvals)
        missing = stage.approvals - given
        people = "one more person" if missing == 1 else f"{missing} more people"
        text = f"{people} with the role {roles} must approve what {gate.person} asked for"
        return [WaitsFor(what="approval", text=text, until=gate.expires_at)]
    return []
