"""Show gates in lists."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from slipway.ledger.freezes import list_freezes
from slipway.ledger.records.gates import gate_record
from slipway.ledger.tables import gates as gate_tables
from slipway.ledger.tables.runs import Run
from slipway.model.access import Person
from slipway.model.records.gate import Frozen
from slipway.model.states import UNDECIDED, GateState, StageState
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.base import Listing
from slipway.www.shapes.gates import DeploymentMark, Gate, GatesQuery
from slipway.www.views.gates.outcomes import marks, outcome
from slipway.www.views.gates.progress import may, waits_for
from slipway.www.views.runs.queue_reasons import why_queued

__all__ = [
    "Site",
    "Surroundings",
    "list_gates",
    "shape",
    "show",
    "shown",
    "statement",
    "surroundings",
]

Site = dict[str, Outline]


async def list_gates(call: Call) -> Listing[Gate]:
    """Answer GET gates."""
    if call.query.project is not None:
        call.outline(call.query.project)
    return await call.read(_list, call.query, call.site, call.person)


def _list(session: Session, query: GatesQuery, site: Site, person: Person) -> Listing[Gate]:
    found = list(session.scalars(_filtered(query, site).limit(query.limit + 1)))
    gates, more = found[: query.limit], len(found) > query.limit
    items = shape(session, gates, site, person)
    return Listing[Gate](items=items, next=gates[-1].id if more else None)


def _filtered(query: GatesQuery, site: Site) -> Select[Any]:
    row = gate_tables.Gate
    found = statement().order_by(row.id.desc())
    if query.before is not None:
        found = found.where(row.id < query.before)
    if "all" not in query.state:
        found = found.where(row.state.in_(query.state or UNDECIDED))
    if query.project is not None:
        found = found.where(Run.project == query.project)
    if query.id is not None:
        found = found.where(row.id == query.id)
    if query.environment is not None:
        names = {
            name
            for outline in site.values()
            for name in outline.environments.get(query.environment, [])
        }
        found = found.where(row.stage.in_(names))
    return found


def statement() -> Select[Any]:
    """Return the select of gates with all shown columns."""
    row = gate_tables.Gate
    return (
        select(row)
        .join(row.run)
        .options(
            contains_eager(row.run).selectinload(Run.stages),
            selectinload(row.approvals),
        )
    )


@dataclass(frozen=True)
class Surroundings:
    """Data from other tables that is shown with gates."""

    frozen: Mapping[str, Frozen]
    now: float
    deployments: Mapping[int, DeploymentMark]
    """Deployments by the id of their attempt."""
    queued: Mapping[int, str]
    """Reasons why attempts are queued, by their id."""


def surroundings(session: Session, gates: Sequence[gate_tables.Gate], site: Site) -> Surroundings:
    """Return the data from other tables that is shown with gates."""
    opened = [gate.stage_id for gate in gates if gate.state == GateState.OPENED]
    waits = any(
        one.state == StageState.QUEUED and one.id in opened
        for gate in gates
        for one in gate.run.stages
    )
    return Surroundings(
        frozen=list_freezes(session),
        now=time.time(),
        deployments=marks(session, opened) if opened else {},
        queued=why_queued(session, site) if waits else {},
    )


def shape(
    session: Session, gates: Iterable[gate_tables.Gate], site: Site, person: Person
) -> list[Gate]:
    """Return gates as shapes for a person."""
    rows = list(gates)
    around = surroundings(session, rows, site)
    return [shown(gate, site, person, around) for gate in rows]


def show(session: Session, gate_id: int, site: Site, person: Person) -> Gate:
    """Return a gate as a shape for a person.

    Raises:
        Refused: There is none.
    """
    gate = session.scalar(statement().where(gate_tables.Gate.id == gate_id))
    if gate is None:
        raise not_found(f"there is no gate {gate_id}")
    return shape(session, [gate], site, person)[0]


def shown(gate: gate_tables.Gate, site: Site, person: Person, around: Surroundings) -> Gate:
    """Return a gate as a shape for a person."""
    outline = site.get(gate.run.project)
    place = outline.places.get(gate.stage) if outline else None
    stage = place.stage if place else None
    return Gate.extend(
        gate_record(gate),
        environment=place.environment if place else None,
        allowed=list(stage.allowed) if stage else [],
        approvals_needed=stage.approvals if stage else 0,
        requester_counts=stage.requester_counts if stage else False,
        waits_for=waits_for(gate, outline, around.frozen, around.now),
        may=may(gate, stage, person, around.now),
        outcome=outcome(gate, around.deployments, around.queued),
    )
