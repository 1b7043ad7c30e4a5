"""Show one gate: its form, and the exact effects of opening it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from slipway.ledger import deployments
from slipway.ledger.records.deployments import fetch
from slipway.ledger.records.deployments import statement as deployments_statement
from slipway.ledger.tables import gates as gate_tables
from slipway.ledger.tables import runs as tables
from slipway.master.gates.finder import ByGate, EarlyGate, GateFinder, GateReference, RollbackGate
from slipway.model.access import Person
from slipway.model.answers import spec
from slipway.model.records.commit import CommitFacts
from slipway.model.records.deployment import Deployment
from slipway.model.states import UNDECIDED
from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.gates import FormField, Gate, ToDeploy, WholeGate
from slipway.www.views.commits import between
from slipway.www.views.environments import check_environment
from slipway.www.views.files import in_release
from slipway.www.views.gates.gates import Site, shown, statement, surroundings
from slipway.www.views.lookup import find_run

__all__ = ["Direction", "early_gate", "rollback_gate", "show_early", "show_gate", "show_rollback"]

Direction = Literal["first", "forward", "again", "rollback"]


@dataclass
class _Found:
    """A gate, its release, and the deployment that it replaces."""

    project: str
    stage: str
    gate: Gate
    token: str
    deploys: ToDeploy | None
    replaces: Deployment | None


async def show_gate(call: Call) -> WholeGate:
    """Answer GET gates/ID."""
    reference = ByGate(int(call.path["id"]))
    project = await call.read(_project_of, reference.gate_id, call.site)
    return await _whole(call, project, reference, f"gates/{reference.gate_id}/open")


async def show_early(call: Call) -> WholeGate:
    """Answer GET runs/PROJECT/NUMBER/stages/STAGE/gate: a preview of opening it early."""
    reference, project = await early_gate(call), call.outline().name
    return await _whole(
        call, project, reference, f"runs/{project}/{reference.run}/stages/{reference.stage}/gate"
    )


async def show_rollback(call: Call) -> WholeGate:
    """Answer GET environments/PROJECT/NAME/rollback: a preview of a rollback to a run."""
    reference, project = rollback_gate(call), call.outline().name
    place = f"environments/{project}/{reference.environment}/rollback?run={reference.run}"
    return await _whole(call, project, reference, place)


async def early_gate(call: Call, *, asks: bool = False) -> EarlyGate:
    """Return the not yet existing gate that the path names.

    Args:
        call: The call.
        asks: Check first that the person may open it.

    Raises:
        Refused: There is no such run.
    """
    name, stage = call.outline().name, call.path["stage"]
    if asks:
        call.scheduler(name).gates.finder.permit(EarlyGate(0, stage), call.person)
    return EarlyGate(await call.read(_number, name, call.path["number"]), stage)


def rollback_gate(call: Call, *, asks: bool = False) -> RollbackGate:
    """Return the rollback gate that the path and the query name.

    Args:
        call: The call.
        asks: Check first that the person may open it.

    Raises:
        Refused: There is no such environment.
    """
    outline, name = call.outline(), call.path["name"]
    check_environment(outline, name)
    reference = RollbackGate(call.query.run, name)
    if asks:
        call.scheduler(outline.name).gates.finder.permit(reference, call.person)
    return reference


async def _whole(call: Call, project: str, reference: GateReference, ask: str) -> WholeGate:
    """Return a gate with everything that its dialog shows.

    Raises:
        Refused: There is none.
    """
    finder = call.scheduler(project).gates.finder
    found = await call.read(_find, finder, reference, call.site, call.person)
    outline = call.outline(found.project)
    place = outline.places.get(found.stage)
    form: list[FormField] = []
    if place is not None and place.stage.parameters:
        context = await call.scheduler(project).gates.context(reference, call.person)
        form = [FormField.model_validate(one) for one in spec(place.stage.parameters, context)]
    commits, more, direction = await _commits(call, found)
    opens = found.gate.may.open
    return WholeGate.extend(
        found.gate,
        ask=ask,
        token=found.token if opens else None,
        form=form,
        deploys=found.deploys,
        replaces=found.replaces,
        direction=direction,
        commits=commits,
        commits_more=more,
    )


def _project_of(session: Session, gate_id: int, site: Site) -> str:
    gate = session.get(gate_tables.Gate, gate_id)
    if gate is None or gate.run.project not in site:
        msg = f"there is no gate {gate_id}"
        raise not_found(msg)
    return gate.run.project


def _number(session: Session, project: str, number: str) -> int:
    return find_run(session, project, number).number


def _find(
    session: Session, finder: GateFinder, reference: GateReference, site: Site, person: Person
) -> _Found:
    gate = _gate(session, finder, reference, time.time())
    known = shown(gate, site, person, surroundings(session, [gate], site))
    deploys, replaces = None, None
    if known.environment is not None:
        release = deployments.release_of(session, gate.run)
        deploys = _to_deploy(release, gate.run) if release else None
        replaces = _replaced(session, gate, known.environment)
    return _Found(gate.run.project, gate.stage, known, gate.token, deploys, replaces)


def _gate(
    session: Session, finder: GateFinder, reference: GateReference, now: float
) -> gate_tables.Gate:
    # A decided gate is shown even if pipeline.toml no longer has its stage.
    if isinstance(reference, ByGate):
        query = statement().where(gate_tables.Gate.id == reference.gate_id)
        found: gate_tables.Gate = session.scalars(query).one()
        return found
    return finder.find(session, reference).shown(now)


def _replaced(session: Session, gate: gate_tables.Gate, environment: str) -> Deployment | None:
    """Return the deployment that a gate replaces; for a decided gate, the one replaced then."""
    before = gate.previous_id
    if gate.state in UNDECIDED:
        now = deployments.current(session, gate.run.project, environment)
        before = now.id if now is not None else None
    if before is None:
        return None
    query = deployments_statement().where(gate_tables.Deployment.id == before)
    return next(iter(fetch(session, query)), None)


def _to_deploy(release: tables.Release, run: tables.Run) -> ToDeploy:
    return ToDeploy(
        release_id=release.id,
        version=release.version,
        run=run.number,
        revision=run.revision,
        manifest_sha256=release.manifest_sha256,
        published_at=release.published_at,
        artefacts=[in_release(kept) for kept in release.artefacts],
    )


async def _commits(call: Call, found: _Found) -> tuple[list[CommitFacts], bool, Direction | None]:
    new, old = found.deploys, found.replaces
    if new is None:
        return [], False, None
    if old is None:
        commits, more = await between(call, found.project, None, new.revision)
        return commits, more, "first"
    if old.release_id == new.release_id:
        return [], False, "again"
    back = new.release_id < old.release_id
    span = (new.revision, old.revision) if back else (old.revision, new.revision)
    commits, more = await between(call, found.project, *span)
    return commits, more, "rollback" if back else "forward"
