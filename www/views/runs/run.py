"""Show one run with all details."""

from __future__ import annotations

from typing import Any

from buildbot.db.model import Model
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from slipway.ledger.records import deployments
from slipway.ledger.records.runs import attempt_record, run_record
from slipway.ledger.tables import gates as gate_tables
from slipway.ledger.tables import runs as tables
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.access import Person
from slipway.model.records.gate import GateMark
from slipway.model.states import StageState
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.gates import Gate
from slipway.www.shapes.runs import (
    Attempt,
    Build,
    CellResults,
    Chip,
    Neighbour,
    StageOfRun,
    WholeRun,
)
from slipway.www.views import releases
from slipway.www.views.files import artefact
from slipway.www.views.gates import gates
from slipway.www.views.lookup import find_run
from slipway.www.views.runs.critical_path import critical_path
from slipway.www.views.runs.durations import expected
from slipway.www.views.runs.queue_reasons import why_queued
from slipway.www.views.runs.stage_chips import chips
from slipway.www.views.stage_rules import stage_rules

__all__ = ["show_run"]


async def show_run(call: Call) -> WholeRun:
    """Answer GET runs/PROJECT/NUMBER."""
    return await call.read(_show, call.outline(), call.path["number"], call.person)


def _show(session: Session, outline: Outline, number: str, person: Person) -> WholeRun:
    run = find_run(
        session,
        outline.name,
        number,
        selectinload(Run.stages).selectinload(StageResult.artefacts),
        selectinload(Run.stages).joinedload(StageResult.borrowed).joinedload(StageResult.run),
        selectinload(Run.releases),
    )
    found = _gates(session, run, outline, person)
    times = expected(session, {run.project})
    marked = {
        row.id: GateMark(id=found[row.id].id, state=found[row.id].state)
        for row in run.stages
        if row.state == StageState.GATE and row.id in found
    }
    waits = any(row.state == StageState.QUEUED for row in run.stages)
    queued = why_queued(session, {outline.name: outline}) if waits else {}
    stages = chips(run, outline, run.stages, times, marked, queued)
    builds = _builds(session, run)
    shown = [_stage(chip, run, outline, builds, found) for chip in stages]
    return WholeRun.extend(
        run_record(run),
        stages=shown,
        critical_path=critical_path(outline, stages),
        releases=releases.shape(session, list(run.releases)),
        deployments=deployments.of_run(session, run.id),
        previous=_neighbour(session, run, -1),
        next=_neighbour(session, run, 1),
    )


def _gates(session: Session, run: Run, outline: Outline, person: Person) -> dict[Any, Gate]:
    """Return a run's gates by their attempt; gates opened early by their stage."""
    query = gates.statement().where(gate_tables.Gate.run_id == run.id)
    rows = list(session.scalars(query.order_by(gate_tables.Gate.id)))
    shown = gates.shape(session, rows, {outline.name: outline}, person)
    return {row.stage_id or row.stage: one for row, one in zip(rows, shown, strict=True)}


def _builds(session: Session, run: Run) -> dict[int, Build]:
    """Return Buildbot's builds of a run's attempts, by their ids."""
    ids = [row.build_id for row in run.stages if row.build_id is not None]
    build, builder = Model.builds, Model.builders
    query = (
        select(*build.c["id", "number", "buildrequestid", "builderid"], builder.c.name)
        .join(builder, builder.c.id == build.c.builderid)
        .where(build.c.id.in_(ids))
    )
    return {
        row.id: Build(
            builder=row.name,
            builder_id=row.builderid,
            build_id=row.id,
            number=row.number,
            request_id=row.buildrequestid,
        )
        for row in session.execute(query)
    }


def _stage(
    chip: Chip, run: Run, outline: Outline, builds: dict[int, Build], found: dict[Any, Gate]
) -> StageOfRun:
    rows = [row for row in run.stages if row.name == chip.name]
    place = outline.places.get(chip.name)
    names = list(dict.fromkeys([*(row.cell for row in rows)] or (place.cells if place else ())))
    own = [row for row in reversed(rows) if not row.rollback]
    gate = next((found[row.id] for row in own if row.id in found), None)
    return StageOfRun.extend(
        chip.model_copy(update={"gate": found.get(chip.name) or gate}),
        **vars(stage_rules(place)),
        results=[
            CellResults(
                cell=name,
                attempts=[_attempt(row, builds) for row in reversed(rows) if row.cell == name],
            )
            for name in names
        ],
    )


def _attempt(row: StageResult, builds: dict[int, Build]) -> Attempt:
    return Attempt.extend(
        attempt_record(row),
        artefacts=[artefact(one, row) for one in row.artefacts],
        borrowed_run=row.borrowed.run.number if row.borrowed else None,
        buildbot=builds.get(row.build_id) if row.build_id is not None else None,
    )


def _neighbour(session: Session, run: Run, direction: int) -> Neighbour | None:
    query = select(Run).where(Run.project == run.project, Run.branch == run.branch)
    if direction < 0:
        query = query.where(Run.number < run.number).order_by(Run.number.desc())
    else:
        query = query.where(Run.number > run.number).order_by(Run.number)
    found: tables.Run | None = session.scalar(query.limit(1))
    if found is None:
        return None
    return Neighbour(number=found.number, state=found.state, revision=found.revision)
