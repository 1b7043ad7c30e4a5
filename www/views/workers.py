"""Show workers and lanes: present work, queues, failures."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, get_args

from buildbot.db.model import Model
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from slipway.ledger.records.runs import attempt_result
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.kinds.scheduling_keys import Lane as LaneName
from slipway.model.states import OPEN_STAGE, StageState
from slipway.www.api.call import Call
from slipway.www.api.graph_columns import Outline
from slipway.www.shapes.site import Busy, FailedStage, Lane, Worker, Workers
from slipway.www.views.runs.durations import expected

__all__ = ["list_workers"]

_FAILED = 50


async def list_workers(call: Call) -> Workers:
    """Answer GET workers."""
    busy, lanes, failed = await call.read(_read, call.site)
    configured = call.config.get("workers", {})
    workers = []
    for one in await call.master.data.get(("workers",)):
        name, settings = one["name"], configured.get(one["name"])
        if settings is None:
            continue
        isolation = settings.get("isolation", {})
        workers.append(
            Worker(
                name=name,
                labels=settings["labels"],
                lanes=settings["lanes"],
                max_builds=settings["max_builds"],
                connected=bool(one["connected_to"]),
                paused=bool(one["paused"]),
                isolation=isolation.get("way", ""),
                isolation_reason=isolation.get("reason", ""),
                busy=busy.get(name, []),
            )
        )
    workers.sort(key=lambda one: one.name)
    return Workers(workers=workers, lanes=lanes, failed=failed)


def _read(
    session: Session, site: dict[str, Outline]
) -> tuple[dict[str, list[Busy]], list[Lane], list[FailedStage]]:
    build = Model.builds
    query = (
        select(StageResult, Run.project, Run.number, build.c.builderid, build.c.number.label("of"))
        .join(Run)
        .outerjoin(build, build.c.id == StageResult.build_id)
        .where(StageResult.state.in_(OPEN_STAGE))
        .order_by(StageResult.id)
    )
    rows = list(session.execute(query))
    times = expected(session, {row.project for row in rows})
    busy: dict[str, list[Busy]] = {}
    for row in rows:
        stage: StageResult = row[0]
        if stage.state == StageState.RUNNING:
            busy.setdefault(stage.worker, []).append(
                Busy(
                    project=row.project,
                    run=row.number,
                    stage=stage.name,
                    cell=stage.cell,
                    since=stage.started_at or stage.queued_at,
                    expected=times.get((row.project, stage.name, stage.cell)),
                    builder_id=row.builderid,
                    number=row.of,
                )
            )
    return busy, _lanes(rows, site), _failed(session)


def _lanes(rows: list[Any], site: dict[str, Outline]) -> list[Lane]:
    running: Counter[str] = Counter()
    queued: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        stage: StageResult = row[0]
        outline = site.get(row.project)
        place = outline.places.get(stage.name) if outline else None
        lane = place.stage.lane if place else "default"
        if stage.state == StageState.RUNNING:
            running[lane] += 1
        else:
            queued[lane].append(stage.queued_at)
    return [
        Lane(
            lane=name,
            queued=len(queued[name]),
            running=running[name],
            oldest_at=min(queued[name], default=None),
        )
        for name in get_args(LaneName)
    ]


def _failed(session: Session) -> list[FailedStage]:
    later = aliased(StageResult)
    newer = exists().where(
        later.run_id == StageResult.run_id,
        later.name == StageResult.name,
        later.cell == StageResult.cell,
        later.rollback == StageResult.rollback,
        later.attempt > StageResult.attempt,
    )
    query = (
        select(StageResult, Run.project, Run.number)
        .join(Run)
        .where(
            StageResult.state == StageState.FAILED,
            StageResult.stale.is_(False),
            Run.superseded_by.is_(None),
            ~newer,
        )
        .order_by(StageResult.id.desc())
        .limit(_FAILED)
    )
    return [
        FailedStage.extend(
            attempt_result(row[0]),
            project=row.project,
            run=row.number,
            stage=row[0].name,
            cell=row[0].cell,
        )
        for row in session.execute(query)
    ]
