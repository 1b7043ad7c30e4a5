"""A stage as a Buildbot builder."""

from __future__ import annotations

from collections.abc import Mapping

from buildbot.config.builder import BuilderConfig
from buildbot.process.factory import BuildFactory

from slipway.model.duration import format_duration
from slipway.model.graph import able_workers
from slipway.model.site import Project, Worker, builder_name
from slipway.model.stage import Stage
from slipway.steps import Archive, Command, Databases, Features, Freeze, Publish, StageStep, Tests

STEPS: dict[str, type[StageStep]] = {
    step.uses: step for step in (Archive, Command, Databases, Features, Freeze, Publish, Tests)
}


def make_builder(
    project: str,
    name: str,
    pipeline: Project,
    workers: Mapping[str, Worker],
) -> BuilderConfig:
    """Return the builder of one stage.

    Args:
        project: The project's name.
        name: The stage's name.
        pipeline: The project.
        workers: All workers of the site.
    """
    stage = pipeline.stages[name]
    kind: str = getattr(stage, "uses")  # noqa: B009  every kind has it, their base does not
    return BuilderConfig(
        name=builder_name(project, name),
        project=project,
        description=_description(stage, kind),
        workernames=able_workers(stage, workers),
        factory=BuildFactory([STEPS[kind](timeout=stage.timeout)]),
        tags=[kind, f"lane-{stage.lane}"],
        collapseRequests=False,
    )


def _description(stage: Stage, kind: str) -> str:
    waits = f"after {', '.join(stage.needs)}" if stage.needs else "first"
    person = ", started by a person" if stage.manual else ""
    return f"{kind}, {waits}{person}, at most {format_duration(stage.timeout)}"
