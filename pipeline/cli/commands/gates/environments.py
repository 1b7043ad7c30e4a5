"""`slipway environments`: what runs in each environment."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.table import Table

from slipway.cli.lib.ledger_listing import moment
from slipway.cli.remote.client import Remote
from slipway.cli.remote.words import print_json, print_table
from slipway.model.errors import PASSED
from slipway.model.states import DeploymentState
from slipway.scripts.terminal_text import escape

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List each environment's deployment: release, time, person, parameters."""
    with Remote(options) as master:
        found = master.get("environments", project=options.project)["items"]
    if options.json:
        print_json(found)
        return PASSED
    table = Table(box=None, pad_edge=False)
    for title in (
        "environment",
        "state",
        "version",
        "run",
        "since",
        "by",
        "parameters",
        "last try",
    ):
        table.add_column(title, no_wrap=True)
    for one in found:
        now = one["current"]
        given = now["values"] if now else {}
        values = ", ".join(f"{name}={json.dumps(value)}" for name, value in given.items())
        cells = (f"{one['project']} {one['name']}", one["state"])
        columns = ("", "", "", "")
        if now:
            columns = (now["version"], str(now["run"]), moment(now["finished_at"]), now["person"])
        table.add_row(*(escape(cell) for cell in (*cells, *columns, values, _last_try(one))))
    print_table(table, found, "no environments; write [project.NAME.environments.NAME]")
    return PASSED


def _last_try(environment: dict[str, Any]) -> str:
    """Return the last deployment that was tried, if it is not the one that runs."""
    for one in environment["history"][:1]:
        if one["state"] not in {DeploymentState.DEPLOYED, DeploymentState.RUNNING}:
            return f"{one['state']}: {one['version']}, run {one['run']}"
    return ""
