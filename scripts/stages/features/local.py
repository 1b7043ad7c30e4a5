"""Run features on a developer's machine: `slipway features` in a project's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.model.errors import WrongInput
from slipway.model.kinds.features import FeatureKeys
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.features.coordinator import run_features
from slipway.scripts.stages.features.early_start import Started, own_environment
from slipway.scripts.stages.features.folder_check import check_folder
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.seed_options import NamedSeeds
from slipway.scripts.stages.features.settings import PROFILE_VARIABLE, resolve

__all__ = ["run", "typed"]

_STATE = Path(".slipway") / "features"


def typed(values: Mapping[str, Any]) -> FeatureKeys:
    """Validate the typed options as the keys of files are.

    Raises:
        WrongInput: A value is wrong.
    """
    try:
        return FeatureKeys.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + str(first["loc"][0]).replace("_", "-")
        reason = first["msg"][:1].lower() + first["msg"][1:]
        raise WrongInput(f'{name} "{first["input"]}" is not allowed: {reason}') from None


def run(
    started: Started,
    *,
    nearest: FeatureKeys,
    report: Report,
    profile: str | None = None,
    arguments: tuple[str, ...] = (),
    shard: tuple[int, int] = (1, 1),
    output: Path | None = None,
    named: NamedSeeds | None = None,
) -> Path:
    """Run a project's features as the stage does.

    Args:
        started: The project, and processes that wait for their settings.
        nearest: The typed options.
        report: Receives results and progress.
        profile: A profile of pyproject.toml. None: that of $SLIPWAY_PROFILE, if set.
        arguments: behave's own arguments.
        shard: Number of the shard, from 1, and the number of shards.
        output: Folder for report and evidence. None: .slipway/features in the project.
        named: Seed databases; each application gets copies.

    Returns:
        The report's file.

    Raises:
        MissingTool: The environment cannot be made, or a program is not installed.
        StageFailed: A scenario failed, or nothing ran.
        WrongInput: The features or the settings are wrong.
    """
    source = started.source
    profile = profile or os.environ.get(PROFILE_VARIABLE) or None
    keys = resolve(source, [nearest], profile)
    check_folder(source, arguments)
    state = source / _STATE
    target = _output_folder(source, output)
    environment = own_environment(source) or _prepared(source, state, report)
    seeds = named or NamedSeeds()
    order = Order(
        source,
        keys,
        environment,
        state / "cache",
        target,
        arguments,
        shard,
        seeds=seeds.seeds,
        dumps=seeds.dumps,
        profile=profile,
        typed=frozenset(nearest.model_fields_set),
    )
    outcome = run_features(order, report, started)
    # Imported late, so that the features' own processes start earlier.
    from slipway.scripts.stages.features.outcome import judge, leave

    page = leave(outcome.run, target, report, epoch=int(outcome.run.started_at.timestamp()))
    judge(outcome)
    return page


def _output_folder(source: Path, output: Path | None) -> Path:
    """Create the folder for report and evidence; the default one is emptied, and ignored by git."""
    state = source / _STATE
    target = output.resolve() if output is not None else state / "output"
    if output is None:
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    ignore = source / ".slipway" / ".gitignore"
    if not ignore.exists() and state.is_dir():
        ignore.write_text("*\n")
    return target


def _prepared(source: Path, state: Path, report: Report) -> Environment:
    # Imported late: where this Python suffices, uv and all that installs is not needed.
    from slipway.scripts.python_env.environment import prepare
    from slipway.scripts.stages.features.injected_package import REQUIREMENTS
    from slipway.scripts.stages.features.stage import FeaturesStage

    stage = FeaturesStage(uses="features")
    return prepare(source, stage, state / "cache", report, tools=REQUIREMENTS)
