"""A stage as a Buildbot builder."""

from __future__ import annotations

from collections.abc import Mapping

from buildbot.config.builder import BuilderConfig
from buildbot.plugins import steps as buildbot_steps
from buildbot.process.factory import BuildFactory

from slipway.master.scheduler import builder_name
from slipway.model.duration import format_duration
from slipway.model.graph import able_workers
from slipway.model.site import Project, Worker
from slipway.model.stage import Stage
from slipway.steps import Archive, Command, Databases, Freeze, Publish, StageStep, Tests

STEPS: dict[str, type[StageStep]] = {
    step.uses: step for step in (Archive, Command, Databases, Freeze, Publish, Tests)
}
#: Git for Windows would change line ends and refuse long paths.
_GIT = {"core.autocrlf": "false", "core.longpaths": "true"}


def make_builder(
    project: str,
    name: str,
    pipeline: Project,
    repository: str,
    workers: Mapping[str, Worker],
) -> BuilderConfig:
    """Return the builder of one stage.

    Args:
        project: The project's name.
        name: The stage's name.
        pipeline: The project.
        repository: What git clones.
        workers: All workers of the site.
    """
    stage = pipeline.stages[name]
    kind: str = getattr(stage, "uses")  # noqa: B009  every kind has it, their base does not
    return BuilderConfig(
        name=builder_name(project, name),
        project=project,
        description=_description(stage, kind),
        workernames=able_workers(stage, workers),
        factory=BuildFactory(make_steps(stage, kind, repository)),
        tags=[kind, f"lane-{stage.lane}"],
        collapseRequests=False,
    )


def make_steps(stage: Stage, kind: str, repository: str) -> list[object]:
    """Return the steps of a stage's builds: the source where it is needed, then the stage."""
    made: list[object] = []
    if stage.needs_source:
        made.append(
            buildbot_steps.Git(
                name="source",
                repourl=repository,
                mode="full",
                method="fresh",
                config=_GIT,
                logEnviron=False,
                haltOnFailure=True,
            )
        )
    made.append(STEPS[kind](timeout=stage.timeout))
    return made


def _description(stage: Stage, kind: str) -> str:
    waits = f"after {', '.join(stage.needs)}" if stage.needs else "first"
    person = ", started by a person" if stage.manual else ""
    return f"{kind}, {waits}{person}, at most {format_duration(stage.timeout)}"
