"""Run the application's behave features, over plain HTTP and in a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.archives.frozen import is_frozen
from slipway.scripts.archives.unpack import unpack
from slipway.scripts.python_env.environment import prepare
from slipway.scripts.report import Report
from slipway.scripts.stages.features.alone import try_alone
from slipway.scripts.stages.features.coordinator import RunOutcome, run_features
from slipway.scripts.stages.features.feature_files import asks_only
from slipway.scripts.stages.features.folder_check import check_folder
from slipway.scripts.stages.features.injected_package import REQUIREMENTS
from slipway.scripts.stages.features.outcome import judge, leave
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.settings import PROFILE_VARIABLE, resolve
from slipway.scripts.stages.features.stage import FeaturesStage

__all__ = ["run"]


def run(job: Job, report: Report) -> None:
    """Run the features.

    Args:
        job: The stage; its project is the current folder.
        report: Receives each scenario's result, pictures, and the report at the end.

    Raises:
        MissingTool: The environment cannot be made, or a program is not installed.
        StageFailed: A scenario failed, nothing ran, or the application did not start.
        WrongInput: The features or the settings are wrong.
    """
    stage = job.stage
    if not isinstance(stage, FeaturesStage):
        msg = f'stage "{job.name}" is no features stage'
        raise WrongInput(msg)
    source, cache = Path.cwd(), Path(job.cache)
    profile = os.environ.get(PROFILE_VARIABLE) or stage.profile
    keys = resolve(source, [stage], profile)
    if asks_only(stage.arguments):
        msg = f"arguments: {' '.join(stage.arguments)} runs no scenario; take it out of the stage"
        raise WrongInput(msg)
    check_folder(source, stage.arguments)
    environment = prepare(source, stage, cache, report, REQUIREMENTS, job.run.version)
    from slipway.scripts.stages.features.application.postgresql_seeds import Dump

    databases = {one.name: Path(one.path) for one in job.inputs if one.uses == "databases"}
    sqlite = (name for name in databases if name.endswith(".sqlite"))
    dumps = (name.removesuffix(".dump") for name in databases if name.endswith(".dump"))
    frozen = _unpacked(job, Path(job.output) / "frozen")
    order = Order(
        source=source,
        keys=keys,
        environment=environment,
        cache=cache,
        output=Path(job.output),
        arguments=stage.arguments,
        seeds={Path(name).stem: databases[name] for name in sqlite},
        dumps={
            name: Dump(databases[f"{name}.dump"], databases.get(f"{name}-roles.sql"))
            for name in dumps
        },
        frozen=frozen,
        profile=profile,
        title=f"{job.project}: {job.name}",
        revision=job.run.revision,
        version=job.run.version,
        shard=job.shard,
    )
    try:
        outcome = try_alone(order, run_features(order, report), run_features)
    finally:
        shutil.rmtree(Path(job.output) / "frozen", ignore_errors=True)
    part = _part(job.shard, outcome)
    leave(outcome.run, order.output, report, epoch=job.run.committed_at, part=part)
    judge(outcome)


def _unpacked(job: Job, folder: Path) -> Path | None:
    """Unpack the frozen program and return its folder; None if there is none.

    Raises:
        WrongInput: There are several.
    """
    frozen = [one for one in job.inputs if is_frozen(one) and one.role == "product"]
    if not frozen:
        return None
    if len(frozen) > 1:
        names = ", ".join(one.name for one in frozen)
        raise WrongInput(f"the stage needs several that freeze: {names}; let it need one of them")
    unpack(Path(frozen[0].path), folder)
    return next(one for one in folder.resolve().iterdir() if one.is_dir())


def _part(shard: tuple[int, int], outcome: RunOutcome) -> str:
    """Describe the shard for the summary; empty if the stage has only one."""
    if shard[1] == 1:
        return ""
    rest = "all" if outcome.has_nothing_to_do else f"{outcome.others} more"
    return f"part {shard[0]} of {shard[1]}, {rest} in the other parts: "
