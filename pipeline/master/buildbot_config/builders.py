"""Buildbot builders for stages."""

from __future__ import annotations

from collections.abc import Mapping

from buildbot.config.builder import BuilderConfig
from buildbot.process.factory import BuildFactory

from slipway.master.buildbot_config.stage_build import StageBuild
from slipway.model.cell import Cell, cells
from slipway.model.duration import format_duration
from slipway.model.graph import able_workers
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Worker, builder_name
from slipway.steps import Stage as StageStep

__all__ = ["make_builders"]


class _Factory(BuildFactory):
    buildClass = StageBuild  # noqa: N815  Buildbot's name


def make_builders(
    project: str,
    name: str,
    pipeline: Project,
    workers: Mapping[str, Worker],
) -> list[BuilderConfig]:
    """Return the builders of a stage: one for each of its cells.

    Args:
        project: The project's name.
        name: The stage's name.
        pipeline: The project.
        workers: All workers of the site.
    """
    return [_builder(project, name, cell, workers) for cell in cells(pipeline.stages[name])]


def _builder(project: str, name: str, cell: Cell, workers: Mapping[str, Worker]) -> BuilderConfig:
    stage = cell.stage
    kind = stage.uses
    return BuilderConfig(
        name=builder_name(project, name, cell.name),
        project=project,
        description=_description(stage, kind),
        workernames=able_workers(stage, workers),
        factory=_Factory([StageStep(kind, timeout=stage.timeout)]),
        tags=[kind, f"lane-{stage.lane}"],
        # By default Buildbot merges waiting requests of a builder, and their stages would never run
        # (https://github.com/buildbot/buildbot/issues/6486).
        collapseRequests=False,
    )


def _description(stage: Stage, kind: str) -> str:
    waits = f"after {', '.join(stage.needs)}" if stage.needs else "first"
    if stage.on_failure:
        waits = f"when {' or '.join(stage.on_failure)} has failed"
    person = ", started by a person" if stage.manual else ""
    return f"{kind}, {waits}{person}, at most {format_duration(stage.timeout)}"
