"""Opening, approving and rejecting gates; rolling back; freezing."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from slipway.ledger import gate_tables
from slipway.model.answers import WrongAnswers, check_answers
from slipway.model.errors import WrongInput
from slipway.www.call import Call
from slipway.www.refusal import Refused, not_found
from slipway.www.shapes.gates import Checked, Gate, Taken
from slipway.www.shapes.site import FrozenProject, ProjectName
from slipway.www.views import gates
from slipway.www.views.environments import check_environment
from slipway.www.views.finding import find_run


async def open_gate(call: Call) -> Taken:
    """Answer POST gates/ID/open."""
    gate_id, project = await _gate_of(call)
    body = call.body
    accepted = await call.scheduler(project).gatekeeper.ask(
        gate_id, call.person, body.token, body.values, body.comment
    )
    return Taken(accepted=accepted, gate=await _shown(call, gate_id))


async def approve(call: Call) -> Taken:
    """Answer POST gates/ID/approve."""
    gate_id, project = await _gate_of(call)
    await call.scheduler(project).gatekeeper.approve(gate_id, call.person, call.body.comment)
    return Taken(accepted=True, gate=await _shown(call, gate_id))


async def reject(call: Call) -> Taken:
    """Answer POST gates/ID/reject."""
    gate_id, project = await _gate_of(call)
    if not call.body.comment.strip():
        told = "say why it is rejected"
        raise Refused(400, told, {"comment": told})
    await call.scheduler(project).gatekeeper.reject(gate_id, call.person, call.body.comment)
    return Taken(accepted=True, gate=await _shown(call, gate_id))


async def check(call: Call) -> Checked:
    """Answer POST gates/ID/check: what is wrong with answers, before anybody asks."""
    gate_id, project = await _gate_of(call)
    name = (await _shown(call, gate_id)).stage
    place = call.outline(project).places.get(name)
    if place is None:
        msg = f"the stage {name} is no longer in pipeline.toml"
        raise WrongInput(msg)
    context = await call.scheduler(project).gatekeeper.context(gate_id)
    try:
        check_answers(place.stage.parameters, call.body.values, context)
    except WrongAnswers as wrong:
        return Checked(fields=wrong.errors)
    return Checked(fields={})


async def ask_early(call: Call) -> Gate:
    """Answer POST runs/PROJECT/NUMBER/stages/STAGE/gate."""
    outline = call.outline()
    number = await call.read(_number, outline.name, call.path["number"])
    keeper = call.scheduler(outline.name).gatekeeper
    made = await keeper.ask_early(number, call.path["stage"], call.person)
    return await _shown(call, made)


async def roll_back(call: Call) -> Gate:
    """Answer POST environments/PROJECT/NAME/rollback."""
    outline, name = call.outline(), call.path["name"]
    check_environment(outline, name)
    keeper = call.scheduler(outline.name).gatekeeper
    return await _shown(call, await keeper.roll_back(name, call.body.run, call.person))


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


def _project_of(session: Session, gate_id: int) -> str:
    gate = session.get(gate_tables.Gate, gate_id)
    if gate is None:
        raise not_found(f"there is no gate {gate_id}")
    return gate.run.project


def _number(session: Session, project: str, number: str) -> int:
    return find_run(session, project, number).number


async def _shown(call: Call, gate_id: int) -> Gate:
    return await call.read(gates.show, gate_id, call.site, call.person)
