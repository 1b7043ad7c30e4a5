"""`slipway poll`: have the master look for new commits now, and say what it found."""

from __future__ import annotations

import argparse
import time

from sqlalchemy import Engine

from slipway.cli.client import MasterClient
from slipway.cli.listing import check_project
from slipway.cli.terminal import terminal
from slipway.config import read
from slipway.home import Home
from slipway.ledger.views import PollView, list_polls, list_runs, open_ledger
from slipway.model.errors import StageFailed, WrongInput

#: Seconds a poll may take before this command stops waiting for it.
PATIENCE = 120
_PAUSE = 0.1


def run(options: argparse.Namespace) -> int:
    """Poll, wait for the outcome, and print it."""
    site = read(options.config)
    check_project(site, options.project)
    home = Home.beside(options.config)
    projects = [options.project] if options.project else list(site.project)
    asked_at = time.time()
    with MasterClient(site, home) as master:
        master.poll(projects)
    console = terminal()
    code = 0
    for name in projects:
        ledger, poll = _wait(home.database_url(site), name, asked_at)
        console.print(f"{name}: {poll.outcome}", markup=False)
        if poll.failed:
            code = WrongInput.exit_code
        elif not poll.outcome.startswith("nothing new"):
            # A poll tells its outcome after its run has been written down.
            for started in list_runs(ledger, name, limit=1):
                told = f"run {started.number} started, version {started.version}"
                console.print(f"{name}: {told}", markup=False)
    return code


def _wait(url: str, project: str, since: float) -> tuple[Engine, PollView]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        # Where there has been no ledger the master is making one.
        ledger = open_ledger(url)
        poll = list_polls(ledger).get(project) if ledger else None
        if ledger is not None and poll is not None and poll.polled_at >= since:
            return ledger, poll
        time.sleep(_PAUSE)
    msg = f"the poll of {project} has not ended within {PATIENCE} seconds; see the master's log"
    raise StageFailed(msg)
