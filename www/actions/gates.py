"""Open, approve and reject gates; roll back; freeze."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from slipway.ledger.tables import gates as gate_tables
from slipway.master.gates.finder import ByGate, GateReference
from slipway.master.gates.requests import Asked
from slipway.model.answers import WrongAnswers
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused, not_found
from slipway.www.shapes.gates import Checked, Gate, Taken
from slipway.www.shapes.site import FrozenProject, ProjectName
from slipway.www.views.gates import gates
from slipway.www.views.gates.gate import early_gate, rollback_gate

__all__ = ["approve", "check", "freeze", "open_early", "open_gate", "reject", "roll_back", "thaw"]


async def open_gate(call: Call) -> Taken:
    """Answer POST gates/ID/open."""
    gate_id, project = await _gate_of(call)
    return await _ask(call, project, ByGate(gate_id))


async def _ask(call: Call, project: str, reference: GateReference) -> Taken:
    body = call.body
    asked = Asked(reference, call.person, body.token, body.values, body.comment)
    shown, accepted = await call.scheduler(project).gates.ask(asked, _show(call))
    return Taken(accepted=accepted, gate=shown)


async def approve(call: Call) -> Taken:
    """Answer POST gates/ID/approve."""
    gate_id, project = await _gate_of(call)
    service, body = call.scheduler(project).gates, call.body
    words = (body.asking, body.comment)
    shown = await service.approve(gate_id, call.person, *words, _show(call))
    return Taken(accepted=True, gate=shown)


async def reject(call: Call) -> Taken:
    """Answer POST gates/ID/reject."""
    gate_id, project = await _gate_of(call)
    service = call.scheduler(project).gates
    try:
        shown = await service.reject(gate_id, call.person, call.body.comment, _show(call))
    except WrongAnswers as wrong:
        raise Refused(400, wrong.errors["comment"], wrong.errors) from None
    return Taken(accepted=True, gate=shown)


async def check(call: Call) -> Checked:
    """Answer POST gates/ID/check: validate answers without opening the gate."""
    gate_id, project = await _gate_of(call)
    service = call.scheduler(project).gates
    return Checked(fields=await service.check(ByGate(gate_id), call.person, call.body.values))


async def open_early(call: Call) -> Taken:
    """Answer POST runs/PROJECT/NUMBER/stages/STAGE/gate."""
    return await _ask(call, call.outline().name, await early_gate(call, asks=True))


async def roll_back(call: Call) -> Taken:
    """Answer POST environments/PROJECT/NAME/rollback."""
    return await _ask(call, call.outline().name, rollback_gate(call, asks=True))


async def freeze(call: Call) -> FrozenProject:
    """Answer POST freezes/PROJECT."""
    name = call.outline().name
    if not call.body.reason.strip():
        refusal = "say why it is frozen"
        raise Refused(400, refusal, {"reason": refusal})
    frozen = await call.scheduler(name).gates.freeze(call.person, call.body.reason)
    return FrozenProject(project=name, reason=frozen.reason, person=call.person.name, at=frozen.at)


async def thaw(call: Call) -> ProjectName:
    """Answer DELETE freezes/PROJECT."""
    name = call.outline().name
    await call.scheduler(name).gates.thaw(call.person)
    return ProjectName(project=name)


async def _gate_of(call: Call) -> tuple[int, str]:
    """Return the id and the project of the gate that the path names.

    Raises:
        Refused: There is none.
    """
    gate_id = int(call.path["id"])
    return gate_id, await call.read(_project_of, gate_id)


def _project_of(session: Session, gate_id: int) -> str:
    gate = session.get(gate_tables.Gate, gate_id)
    if gate is None:
        raise not_found(f"there is no gate {gate_id}")
    return gate.run.project


def _show(call: Call) -> Callable[[Session, int], Gate]:
    """Return the reader of a gate as its person sees it, for the transaction that changes it."""
    site = call.site
    return lambda session, gate_id: gates.show(session, gate_id, site, call.person)
