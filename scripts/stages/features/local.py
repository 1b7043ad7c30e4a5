"""Run features on a developer's machine: `slipway features` in a project's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.model.errors import WrongInput
from slipway.model.kinds.features import FeatureKeys
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.features.alone import try_alone
from slipway.scripts.stages.features.coordinator import run_features
from slipway.scripts.stages.features.early_start import Started, own_environment
from slipway.scripts.stages.features.folder_check import check_folder
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.seed_options import NamedSeeds
from slipway.scripts.stages.features.settings import PROFILE_VARIABLE, resolve

__all__ = ["Given", "ask_behave", "run", "typed"]

_STATE = Path(".slipway") / "features"


@dataclass(frozen=True)
class Given:
    """What the features get besides their project: by default what is found by looking."""

    seeds: NamedSeeds = field(default_factory=NamedSeeds)
    """Seed databases; each application gets copies."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None

    @property
    def has_packages(self) -> bool:
        """True: somebody has named extras or groups."""
        return bool(self.extras) or self.groups is not None


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
    given: Given | None = None,
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
        given: Seed databases, extras and groups.

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
    given = given or Given()
    environment = _environment(source, report, given)
    order = Order(
        source,
        keys,
        environment,
        state / "cache",
        target,
        arguments,
        shard,
        seeds=given.seeds.seeds,
        dumps=given.seeds.dumps,
        profile=profile,
        typed=frozenset(nearest.model_fields_set),
    )
    outcome = try_alone(order, run_features(order, report, started), run_features)
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


def ask_behave(source: Path, arguments: tuple[str, ...], report: Report, given: Given) -> int:
    """Let behave answer a question such as --version or --dry-run, on this terminal.

    Returns:
        behave's own exit code.

    Raises:
        MissingTool: The environment cannot be made.
        WrongInput: The project's requirements cannot be installed.
    """
    from slipway.scripts.stages.features.injected_package import importable

    environment = _environment(source, report, given)
    env = environment.variables()
    package = importable(environment, source / _STATE / "cache")
    if package is not None:
        path = [str(package), *filter(None, [env.get("PYTHONPATH")])]
        env["PYTHONPATH"] = os.pathsep.join(path)
    words = [str(environment.python), "-m", "behave", *arguments]
    return subprocess.run(words, cwd=source, env=env, check=False).returncode


def _environment(source: Path, report: Report, given: Given) -> Environment:
    own = None if given.has_packages else own_environment(source)
    return own or _prepared(source, source / _STATE, report, given)


def _prepared(source: Path, state: Path, report: Report, given: Given) -> Environment:
    # Imported late: where this Python suffices, uv and all that installs is not needed.
    from slipway.scripts.python_env.environment import prepare
    from slipway.scripts.stages.features.injected_package import REQUIREMENTS
    from slipway.scripts.stages.features.stage import FeaturesStage

    stage = FeaturesStage(uses="features", extras=given.extras, groups=given.groups)
    return prepare(source, stage, state / "cache", report, tools=REQUIREMENTS)
