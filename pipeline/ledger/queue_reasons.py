"""Explain why a queued stage has not begun: missing, paused or busy workers. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import column, inspect, select, table
from sqlalchemy.orm import Session, joinedload

from slipway.ledger.tables.runs import StageResult
from slipway.model.cell import cell_title, cells
from slipway.model.graph import able_workers
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Worker
from slipway.model.states import OPEN_STAGE, StageState

__all__ = ["why_queued"]

#: Buildbot's own tables, in the same database.
_WORKERS = table("workers", column("id"), column("name"), column("paused"))
_CONNECTED = table("connected_workers", column("workerid"))
#: Maximum number of a worker's stages that a reason names.
_NAMED = 2


@dataclass
class _Machine:
    """A worker's current load."""

    most: int
    connected: bool = False
    paused: bool = False
    busy: list[str] = field(default_factory=list)
    builders: set[tuple[str, str, str]] = field(default_factory=set)

    def is_free(self, builder: tuple[str, str, str]) -> bool:
        """Return whether the worker would take a stage; it runs one build per builder at a time."""
        return len(self.busy) < self.most and builder not in self.builders


def why_queued(
    session: Session, projects: Mapping[str, Project], workers: Mapping[str, Worker]
) -> dict[int, str]:
    """Return the reasons why attempts are queued, by attempt id, without those about to begin.

    Args:
        session: The transaction, on a database that holds Buildbot's tables, too.
        projects: The site's projects.
        workers: The site's workers.
    """
    query = select(StageResult).where(StageResult.state.in_(OPEN_STAGE))
    query = query.options(joinedload(StageResult.run)).order_by(StageResult.id)
    rows = list(session.scalars(query))
    queued = [row for row in rows if row.state == StageState.QUEUED]
    # Before the master has created Buildbot's tables, nothing is known about workers.
    if not queued or not inspect(session.connection()).has_table(_CONNECTED.name):
        return {}
    machines = _machines(session, workers)
    for row in rows:
        if row.state == StageState.RUNNING and row.worker in machines:
            machines[row.worker].busy.append(_title(row))
            machines[row.worker].builders.add(_builder(row))
    found = {}
    for row in queued:
        stage = _stage_of(row, projects)
        why = _why(stage, _builder(row), machines, workers) if stage is not None else ""
        if why:
            found[row.id] = why
    return found


def _machines(session: Session, workers: Mapping[str, Worker]) -> dict[str, _Machine]:
    found = {name: _Machine(one.max_builds) for name, one in workers.items()}
    query = select(_WORKERS.c.name, _WORKERS.c.paused, _CONNECTED.c.workerid)
    query = query.outerjoin(_CONNECTED, _CONNECTED.c.workerid == _WORKERS.c.id)
    for name, paused, connected in session.execute(query):
        if name in found:
            found[name].paused = bool(paused)
            found[name].connected = found[name].connected or connected is not None
    return found


def _stage_of(row: StageResult, projects: Mapping[str, Project]) -> Stage | None:
    """Return the configured stage of an attempt's cell; None if it was removed."""
    project = projects.get(row.run.project)
    stage = project.stages.get(row.name) if project else None
    if stage is None:
        return None
    return next((cell.stage for cell in cells(stage) if cell.name == row.cell), None)


def _why(
    stage: Stage,
    builder: tuple[str, str, str],
    machines: Mapping[str, _Machine],
    workers: Mapping[str, Worker],
) -> str:
    able = {name: machines[name] for name in able_workers(stage, workers)}
    kind = _kind(stage, workers)
    if not able:
        return f"pipeline.toml has no worker{kind}"
    here = {name: one for name, one in able.items() if one.connected}
    if not here:
        return f"no worker{kind} is connected ({', '.join(able)})"
    awake = {name: one for name, one in here.items() if not one.paused}
    if not awake:
        are = "is" if len(here) == 1 else "are"
        return f"{', '.join(here)} {are} paused"
    if any(one.is_free(builder) for one in awake.values()):
        return ""
    text = "; ".join(f"{name} is busy with {_named(one.busy)}" for name, one in awake.items())
    return text + ("; lane bulk goes last" if stage.lane == "bulk" else "")


def _kind(stage: Stage, workers: Mapping[str, Worker]) -> str:
    labels = ""
    if stage.runs_on:
        many = "s" if len(stage.runs_on) > 1 else ""
        labels = f" with the label{many} {' and '.join(stage.runs_on)}"
    if all(stage.lane in one.lanes for one in workers.values()):
        return labels
    return f"{labels} that serves the lane {stage.lane}"


def _named(busy: list[str]) -> str:
    more = len(busy) - _NAMED
    text = ", ".join(busy[:_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def _builder(row: StageResult) -> tuple[str, str, str]:
    return row.run.project, row.name, row.cell


def _title(row: StageResult) -> str:
    return f"{cell_title(row.name, row.cell)} of {row.run.project} run {row.run.number}"
