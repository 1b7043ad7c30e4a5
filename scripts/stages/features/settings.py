"""Resolve the settings of a features run: command line, stage, profile, pyproject.toml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.model.errors import WrongInput
from slipway.model.kinds.features import FeatureKeys, FeatureProject, layered
from slipway.model.spelling import did_you_mean
from slipway.scripts.python_env.requirements import read_pyproject

__all__ = ["PROFILE_VARIABLE", "read_project", "resolve"]

_PLACE = "tool.slipway.features"
#: Environment variable that names a profile if none was typed; sessions read it, too.
PROFILE_VARIABLE = "SLIPWAY_PROFILE"


def resolve(
    source: Path, nearer: Sequence[FeatureKeys] = (), profile: str | None = None
) -> FeatureKeys:
    """Resolve a project's settings.

    Args:
        source: The project; its pyproject.toml has the lowest precedence.
        nearer: The settings of command line and stage, highest precedence first.
        profile: The profile to use.

    Raises:
        WrongInput: [tool.slipway.features] is wrong, or the profile does not exist.
    """
    project = read_project(source)
    places = [*nearer]
    if profile is not None:
        if profile not in project.profiles:
            known = ", ".join(project.profiles) or "none"
            msg = f'the profile "{profile}" is not in [{_PLACE}.profiles]; there are {known}.'
            raise WrongInput(msg + did_you_mean(profile, project.profiles))
        places.append(project.profiles[profile])
    return layered(*places, project)


def read_project(source: Path) -> FeatureProject:
    """Read [tool.slipway.features] of a project; empty if it is missing.

    Raises:
        WrongInput: A key or value is wrong.
    """
    table: Any = read_pyproject(source)
    for part in _PLACE.split("."):
        table = table.get(part, {}) if isinstance(table, dict) else {}
    try:
        return FeatureProject.model_validate(table)
    except ValidationError as error:
        raise WrongInput("\n".join(_sentence(source, one) for one in error.errors())) from None


def _sentence(source: Path, error: Any) -> str:
    path = ".".join([_PLACE, *(str(part) for part in error["loc"])])
    place = f"{source / 'pyproject.toml'}: {path}"
    if error["type"] == "extra_forbidden":
        keys = [field.alias or name for name, field in FeatureProject.model_fields.items()]
        key = str(error["loc"][-1])
        hint = did_you_mean(key, keys) or f" Allowed: {', '.join(sorted(keys))}."
        return f'{place}: unknown key "{key}".{hint}'
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {error['input']!r} is not allowed: {reason[:1].lower()}{reason[1:]}"
