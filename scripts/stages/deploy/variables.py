"""Describe a deployment to a deployer: environment variables, and the same as JSON."""

from __future__ import annotations

import json
from typing import Any

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Deployment, Job, Release
from slipway.scripts.process_tree import DEPLOYED

__all__ = ["as_json", "parameters", "variables"]

_PREFIX = "SLIPWAY_PARAM_"


def variables(
    job: Job, deployment: Deployment, folder: str, *, back_from: Release | None = None
) -> dict[str, str]:
    """Return the environment variables for a deployment or its rollback.

    Args:
        job: The stage.
        deployment: The release and its environment.
        folder: The folder of the release's artefacts.
        back_from: The release that is rolled back. None: this is no automatic rollback.

    Raises:
        WrongInput: A parameter's name or value cannot be an environment variable.
    """
    release, previous = deployment.release, deployment.previous
    if back_from is not None:
        release, previous = deployment.previous or back_from, back_from
    return {
        **parameters(deployment),
        DEPLOYED: f"{job.project}/{deployment.name}",
        "SLIPWAY_PROJECT": job.project,
        "SLIPWAY_STAGE": job.name,
        "SLIPWAY_ENVIRONMENT": deployment.name,
        "SLIPWAY_DEPLOYMENT": str(deployment.number),
        "SLIPWAY_PERSON": _plain(deployment.person, "the person"),
        "SLIPWAY_VERSION": release.version,
        "SLIPWAY_REVISION": release.revision,
        "SLIPWAY_RUN": str(release.run),
        "SLIPWAY_PREVIOUS_VERSION": previous.version if previous else "",
        "SLIPWAY_ROLLBACK": "1" if back_from is not None or deployment.rollback else "0",
        "SLIPWAY_RELEASE": folder,
    }


def parameters(deployment: Deployment) -> dict[str, str]:
    """Return the gate's parameters, secrets included, as variables SLIPWAY_PARAM_<NAME>.

    Raises:
        WrongInput: A name or value cannot be an environment variable, or two names collide.
    """
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in {**deployment.parameters, **deployment.secrets}.items():
        variable = _PREFIX + name.upper().replace("-", "_")
        if "=" in name or not name or name != _plain(name, "a parameter's name"):
            msg = f'the parameter "{name}" cannot be an environment variable; rename it'
            raise WrongInput(msg)
        if variable in names:
            msg = f'the parameters "{names[variable]}" and "{name}" are both {variable}; rename one'
            raise WrongInput(msg)
        names[variable] = name
        if value is not None:
            found[variable] = _plain(_text(value), f'the parameter "{name}"')
    return found


def as_json(variables: dict[str, str], deployment: Deployment, release: Release) -> str:
    """Return the JSON object for a program's input, with typed parameters."""
    previous = variables["SLIPWAY_PREVIOUS_VERSION"]
    return json.dumps(
        {
            "project": variables["SLIPWAY_PROJECT"],
            "environment": deployment.name,
            "deployment": deployment.number,
            "person": deployment.person,
            "rollback": variables["SLIPWAY_ROLLBACK"] == "1",
            "previous_version": previous or None,
            "release": {
                "version": release.version,
                "revision": release.revision,
                "run": release.run,
                "folder": variables["SLIPWAY_RELEASE"],
                "artefacts": [
                    one.model_dump(include={"name", "sha256", "size", "media_type"})
                    for one in release.inputs
                ],
            },
            "parameters": {**deployment.parameters, **deployment.secrets},
        }
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _plain(text: str, what: str) -> str:
    if "\0" in text:
        msg = f"{what} holds a NUL, which no variable can hold; leave it out"
        raise WrongInput(msg)
    return text
