"""`slipway rollback`: deploy an older release again, through the same gate."""

from __future__ import annotations

import argparse
from typing import Any

from slipway.cli.commands.gates.deploy import stage_of
from slipway.cli.lib.gate_answers import ask
from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of
from slipway.model.errors import WrongInput

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Open the gate of an older run's deployment."""
    with Remote(options) as master:
        project = project_of(master, options)
        stage_of(master, project, options.environment)
        number = _number(master, project, options.environment, options.to)
        path = f"environments/{project}/{options.environment}/rollback"
        return ask(master, master.get(path, run=number), options)


def _number(master: Remote, project: str, environment: str, wanted: str | None) -> int:
    """Return the run of the wanted release; by default, of the one before the present one.

    Raises:
        WrongInput: No release was deployed before, or none has this version.
    """
    if wanted is not None and wanted.isdecimal() and int(wanted):
        return int(wanted)
    found = master.get("environments", project=project)["items"]
    before = next(one for one in found if one["name"] == environment)["earlier"]
    if wanted is None:
        if not before:
            msg = f"no other release was at {environment} before; name one with --to"
            raise WrongInput(msg)
        return int(before[0]["run"])
    for one in master.get("releases", project=project, text=wanted)["items"]:
        if one["version"] == wanted:
            return int(one["run"])
    msg = f'--to "{wanted}": {project} has no such release; before were {_versions(before)}'
    raise WrongInput(msg)


def _versions(before: list[dict[str, Any]]) -> str:
    return ", ".join(one["version"] for one in before) or "none"
