"""Open, approve and reject gates; roll back; freeze."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from slipway.ledger.tables import gates as gate_tables
from slipway.master.gates.openable import ByGate, Door
from slipway.master.gates.service import Asked, GateService
from slipway.model.access import Person
from slipway.model.answers import WrongAnswers, check_answers
from slipway.model.errors import WrongInput
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused, not_found
from slipway.www.shapes.gates import Checked, Gate, Taken
from slipway.www.shapes.site import FrozenProject, ProjectName
from slipway.www.views.gates import gates
from slipway.www.views.gates.gate import back_door, early_door


async def open_gate(call: Call) -> Taken:
    """Answer POST gates/ID/open."""
    gate_id, project = await _gate_of(call)
    return await _ask(call, project, ByGate(gate_id))


async def _ask(call: Call, project: str, door: Door) -> Taken:
    body = call.body
    asked = Asked(door, call.person, body.token, body.values, body.comment)
    gate_id, accepted = await call.scheduler(project).gatekeeper.ask(asked)
    return Taken(accepted=accepted, gate=await _shown(call, gate_id))


async def approve(call: Call) -> Taken:
    """Answer POST gates/ID/approve."""
    gate_id, project = await _gate_of(call)
    keeper, body = call.scheduler(project).gatekeeper, call.body
    await keeper.approve(gate_id, call.person, body.asking, body.comment)
    return Taken(accepted=True, gate=await _shown(call, gate_id))


async def reject(call: Call) -> Taken:
    """Answer POST gates/ID/reject."""
    gate_id, project = await _gate_of(call)
    keeper = call.scheduler(project).gatekeeper
    if not call.body.comment.strip():
        await call.read(_permit, keeper, gate_id, call.person)
        told = "say why it is rejected"
        raise Refused(400, told, {"comment": told})
    await keeper.reject(gate_id, call.person, call.body.comment)
    return Taken(accepted=True, gate=await _shown(call, gate_id))


async def check(call: Call) -> Checked:
    """Answer POST gates/ID/check: validate answers without opening the gate."""
    gate_id, project = await _gate_of(call)
    name = (await _shown(call, gate_id)).stage
    place = call.outline(project).places.get(name)
    if place is None:
        msg = f"the stage {name} is no longer in pipeline.toml"
        raise WrongInput(msg)
    keeper = call.scheduler(project).gatekeeper
    context = await keeper.context(ByGate(gate_id), call.person, asks=True)
    try:
        check_answers(place.stage.parameters, call.body.values, context)
    except WrongAnswers as wrong:
        return Checked(fields=wrong.errors)
    return Checked(fields={})


async def open_early(call: Call) -> Taken:
    """Answer POST runs/PROJECT/NUMBER/stages/STAGE/gate."""
    return await _ask(call, call.outline().name, await early_door(call, asks=True))


async def roll_back(call: Call) -> Taken:
    """Answer POST environments/PROJECT/NAME/rollback."""
    return await _ask(call, call.outline().name, back_door(call, asks=True))


async def freeze(call: Call) -> FrozenProject:
    """Answer POST freezes/PROJECT."""
    name = call.outline().name
    if not call.body.reason.strip():
        told = "say why it is frozen"
        raise Refused(400, told, {"reason": told})
    await call.scheduler(name).gatekeeper.freeze(call.person, call.body.reason)
    return FrozenProject(
        project=name,
        reason=call.body.reason.strip(),
        person=call.person.name,
        at=datetime.now(UTC).timestamp(),
    )


async def thaw(call: Call) -> ProjectName:
    """Answer DELETE freezes/PROJECT."""
    name = call.outline().name
    await call.scheduler(name).gatekeeper.thaw(call.person)
    return ProjectName(project=name)


async def _gate_of(call: Call) -> tuple[int, str]:
    """Return the id and the project of the gate that the path names.

    Raises:
        Refused: There is none.
    """
    gate_id = int(call.path["id"])
    return gate_id, await call.read(_project_of, gate_id)


def _permit(session: Session, keeper: GateService, gate_id: int, person: Person) -> None:
    keeper.doors.find(session, ByGate(gate_id), person)


def _project_of(session: Session, gate_id: int) -> str:
    gate = session.get(gate_tables.Gate, gate_id)
    if gate is None:
        raise not_found(f"there is no gate {gate_id}")
    return gate.run.project


async def _shown(call: Call, gate_id: int) -> Gate:
    return await call.read(gates.show, gate_id, call.site, call.person)
