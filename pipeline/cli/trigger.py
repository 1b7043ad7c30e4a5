"""`slipway trigger`: start a run of a branch's head or of one revision now."""

from __future__ import annotations

import argparse
import time

from slipway.cli.client import MasterClient
from slipway.cli.listing import only_project
from slipway.cli.terminal import terminal
from slipway.config import read
from slipway.home import Home
from slipway.ledger.views import RunView, list_runs, open_ledger
from slipway.model.errors import StageFailed
from slipway.model.site import builder_name


def run(options: argparse.Namespace) -> int:
    """Start a run, and tell its number."""
    site = read(options.config)
    name = only_project(site, options.project)
    project = site.project[name]
    home = Home.beside(options.config)
    values = {
        "branch": options.branch or project.branches[0],
        "revision": options.revision or "",
        "reason": options.reason,
    }
    asked_at = time.time()
    with MasterClient(site, home) as master:
        master.force_run(name, builder_name(name, next(iter(project.stages))), values)
    started = _started(home.database_url(site), name, asked_at)
    told = f"{name}: run {started.number} started, version {started.version}"
    commit = f"{started.revision[:10]} {started.subject}"
    terminal().print(f"{told}, of {commit}", markup=False)
    return 0


def _started(url: str, project: str, since: float) -> RunView:
    """Return the run that the master has just written down."""
    ledger = open_ledger(url)
    for found in list_runs(ledger, project) if ledger else []:
        if found.trigger == "force" and found.started_at >= since:
            return found
    msg = f"the master took the order, but the ledger has no new run of {project}; see its log"
    raise StageFailed(msg)
