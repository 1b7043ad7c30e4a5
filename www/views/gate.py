"""One gate: its form, and what exactly it would do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from slipway.ledger import deployments, gate_tables, tables
from slipway.model.access import Person
from slipway.model.answers import spec
from slipway.model.parameter import Context
from slipway.www.call import Call
from slipway.www.refusal import not_found
from slipway.www.shapes.gates import Commit, Deployment, ToDeploy, WholeGate
from slipway.www.views.commits import between
from slipway.www.views.deployments import fetch
from slipway.www.views.deployments import statement as deployments_statement
from slipway.www.views.files import in_release
from slipway.www.views.gates import Site, freezes, keys, statement

Direction = Literal["first", "forward", "again", "rollback"]


@dataclass
class _Found:
    """A gate, and what it would deploy over what."""

    project: str
    stage: str
    keys: dict[str, Any]
    token: str
    deploys: ToDeploy | None
    replaces: Deployment | None


async def show_gate(call: Call) -> WholeGate:
    """Answer GET gates/ID."""
    return await whole(call, int(call.path["id"]))


async def whole(call: Call, gate_id: int) -> WholeGate:
    """Return a gate with all that its dialog shows.

    Raises:
        Refused: There is none.
    """
    found = await call.read(_find, gate_id, call.site, call.person)
    outline = call.outline(found.project)
    place = outline.places.get(found.stage)
    form: list[dict[str, Any]] = []
    if place is not None and place.stage.parameters:
        context = await _context(call, found.project, gate_id)
        form = spec(place.stage.parameters, context)
    commits, more, direction = await _commits(call, found)
    opens = found.keys["may"].open
    return WholeGate(
        **found.keys,
        token=found.token if opens else None,
        form=form,
        deploys=found.deploys,
        replaces=found.replaces,
        direction=direction,
        commits=commits,
        commits_more=more,
    )


async def _context(call: Call, project: str, gate_id: int) -> Context:
    return await call.scheduler(project).gatekeeper.context(gate_id)


def _find(session: Session, gate_id: int, site: Site, person: Person) -> _Found:
    gate = session.scalar(statement().where(gate_tables.Gate.id == gate_id))
    if gate is None or gate.run.project not in site:
        msg = f"there is no gate {gate_id}"
        raise not_found(msg)
    known = keys(gate, site, person, freezes(session), time.time())
    deploys, replaces = None, None
    if known["environment"] is not None:
        release = deployments.release_of(session, gate.run)
        deploys = _to_deploy(release, gate.run) if release else None
        replaces = _running(session, gate.run.project, known["environment"])
    return _Found(gate.run.project, gate.stage, known, gate.token, deploys, replaces)


def _running(session: Session, project: str, environment: str) -> Deployment | None:
    now = deployments.current(session, project, environment)
    if now is None:
        return None
    query = deployments_statement().where(gate_tables.Deployment.id == now.id)
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


async def _commits(call: Call, found: _Found) -> tuple[list[Commit], bool, Direction | None]:
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
