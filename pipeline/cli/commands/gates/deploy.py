"""`slipway deploy`: deploy a run's release to an environment, through its gate."""

from __future__ import annotations

import argparse
from typing import Any

from slipway.cli.lib.gate_answers import ask
from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of
from slipway.model.errors import WrongInput
from slipway.model.states import UNDECIDED

__all__ = ["run", "stage_of"]


def run(options: argparse.Namespace) -> int:
    """Open the gate of the stage that deploys to an environment."""
    with Remote(options) as master:
        project = project_of(master, options)
        return ask(master, _gate(master, project, options.environment, options.run), options)


def _gate(master: Remote, project: str, environment: str, number: int | None) -> dict[str, Any]:
    """Return the newest open gate of an environment, or the named run's gate.

    If that run's gate does not exist yet, a preview is returned; opening it creates the gate.

    Raises:
        WrongInput: No gate of this environment is open.
    """
    stage = stage_of(master, project, environment)
    for gate in master.all("gates", project=project, environment=environment):
        # Rollbacks have a command of their own.
        wanted = gate["state"] in UNDECIDED and not gate["rollback"]
        if wanted and number in {None, gate["run"]}:
            return master.get(f"gates/{gate['id']}")
    if number is None:
        msg = f"no run of {project} waits to be deployed to {environment}; name one with --run"
        raise WrongInput(msg)
    return master.get(f"runs/{project}/{number}/stages/{stage}/gate")


def stage_of(master: Remote, project: str, environment: str) -> str:
    """Return the stage that deploys to an environment.

    Raises:
        WrongInput: There is no such environment, or nothing deploys there.
    """
    found = master.get("environments", project=project)["items"]
    known = {one["name"]: one["stages"] for one in found}
    if not known.get(environment):
        there = ", ".join(known) or "none"
        msg = f'no stage of {project} deploys to "{environment}"; its environments are {there}'
        raise WrongInput(msg)
    return str(known[environment][0])
