"""Force schedulers: start runs and stages from Buildbot's own web UI."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from buildbot.schedulers.forcesched import (
    CodebaseParameter,
    CollectedValidationError,
    FixedParameter,
    ForceScheduler,
    IntParameter,
    StringParameter,
)

from slipway.master.scheduling.scheduler import PipelineScheduler, find_pipeline
from slipway.model.commit import Cause
from slipway.model.errors import SlipwayError

__all__ = ["ForceRun", "ForceStage", "force_schedulers"]


class _Force(ForceScheduler):
    """Base class: belongs to a project, and accepts only its builders."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("project", "stages")
    stages: Mapping[str, tuple[str, str]] = MappingProxyType({})

    async def reconfigService(self, *, project: str, **kwargs: Any) -> None:
        """Apply new arguments while the master runs."""
        self.project = project
        await super().reconfigService(**kwargs)

    def checkConfig(self, *, project: str, **kwargs: Any) -> None:
        """Check the arguments."""
        super().checkConfig(**kwargs)

    def pipeline(self) -> PipelineScheduler:
        """Return the scheduler of this project.

        Raises:
            MissingTool: The master is still starting.
        """
        return find_pipeline(self.master, self.project)

    async def computeBuilderNames(
        self, builderNames: Any = None, builderid: Any = None
    ) -> list[str]:
        """Return the requested builders.

        Buildbot itself would accept any builder here, also those of other schedulers.

        Raises:
            CollectedValidationError: One of them is not started by this scheduler.
        """
        names = await super().computeBuilderNames(builderNames, builderid)
        if not set(names) <= set(self.builderNames):
            refused = {"builderid": f"{', '.join(names)} is not started by {self.name}"}
            raise CollectedValidationError(refused)
        return list(names)


class ForceRun(_Force):
    """The button "Run the pipeline": starts a run of a branch or revision."""

    async def addBuildsetForSourceStampsWithDefaults(
        self, *, reason: str, sourcestamps: Any, properties: Any, **_: Any
    ) -> Any:
        """Start a run instead of a single build.

        Raises:
            CollectedValidationError: There is no such branch or revision.
        """
        asked = sourcestamps[0] if sourcestamps else {}
        cause = Cause("force", properties.getProperty("owner", ""), reason)
        branch, revision = asked.get("branch") or "", asked.get("revision") or None
        try:
            started = await self.pipeline().start_run(branch, revision, cause)
        except SlipwayError as error:
            raise CollectedValidationError({"revision": str(error)}) from None
        return None if started is None else started.first


class ForceStage(_Force):
    """The button "Run this stage": repeats a stage of a run. Gates stay closed."""

    async def reconfigService(
        self, *, project: str, stages: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:
        """Apply new arguments while the master runs."""
        self.stages = dict(stages or {})
        await super().reconfigService(project=project, **kwargs)

    def checkConfig(
        self, *, project: str, stages: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:
        """Check the arguments: the stage and cell of each builder."""
        super().checkConfig(project=project, **kwargs)

    async def addBuildsetForSourceStampsWithDefaults(
        self, *, reason: str, properties: Any, builderNames: list[str], **_: Any
    ) -> Any:
        """Repeat the stage in the given run.

        Raises:
            CollectedValidationError: No single stage is given, or it cannot be repeated in that
                run.
        """
        if len(builderNames) != 1:
            raise CollectedValidationError({"builderid": "name one stage"})
        stage, cell = self.stages[builderNames[0]]
        owner = properties.getProperty("owner", "") or "unknown"
        number = properties.getProperty("run") or 0
        try:
            return await self.pipeline().rerun_stage(number, stage, owner, reason, cell=cell)
        except SlipwayError as error:
            raise CollectedValidationError({"run": str(error)}) from None


def force_schedulers(
    project: str,
    repository: str,
    branch: str,
    builders: Mapping[str, tuple[str, str]],
) -> list[ForceScheduler]:
    """Return the two force schedulers of a project.

    Args:
        project: The project's name.
        repository: The URL or path of its repository for git.
        branch: The default branch. Empty: none.
        builders: The stage and the cell of each builder.
    """
    nothing = CodebaseParameter(codebase="", hide=True)
    source = CodebaseParameter(
        codebase="",
        label="What to run",
        branch=StringParameter(name="branch", label="Branch", default=branch, size=40),
        revision=StringParameter(
            name="revision", label="Revision (empty: the branch's head)", default="", size=40
        ),
        repository=FixedParameter(name="repository", default=repository),
        project=FixedParameter(name="project", default=project),
    )
    run = IntParameter(name="run", label="Run number (0: the newest)", default=0)
    return [
        ForceRun(
            name=f"{project}-run",
            project=project,
            builderNames=list(builders),
            buttonName="Run the pipeline",
            label="Run the pipeline",
            codebases=[source],
            reason=_reason("the pipeline was started by hand"),
            reasonString="%(reason)s",
            priority=IntParameter(name="priority", default=0, hide=True),
        ),
        ForceStage(
            name=f"{project}-stage",
            project=project,
            stages=builders,
            builderNames=list(builders),
            buttonName="Run this stage",
            label="Run this stage",
            codebases=[nothing],
            properties=[run],
            reason=_reason("the stage was started by hand"),
            reasonString="%(reason)s",
            priority=IntParameter(name="priority", default=0, hide=True),
        ),
    ]


def _reason(default: str) -> StringParameter:
    return StringParameter(name="reason", label="Reason", default=default, size=60)
