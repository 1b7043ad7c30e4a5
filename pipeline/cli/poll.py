"""`slipway poll`: have the master look for new commits now, and say what it found."""

from __future__ import annotations

import argparse
import time

import httpx
from rich.console import Console
from sqlalchemy import Engine

from slipway.cli.listing import check_project
from slipway.config import read
from slipway.home import ADMIN, Home
from slipway.ledger.views import PollView, RunView, list_polls, list_runs, open_ledger
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.site import Site, connectable

#: Seconds a poll may take before this command stops waiting for it.
PATIENCE = 120
_PAUSE = 0.1


def run(options: argparse.Namespace) -> int:
    """Poll, wait for the outcome, and print it."""
    site = read(options.config)
    check_project(site, options.project)
    home = Home.beside(options.config)
    projects = [options.project] if options.project else list(site.project)
    ledger = open_ledger(home.database_url(site))
    asked_at = time.time()
    _ask(site, home, projects)
    ledger = ledger or open_ledger(home.database_url(site))
    console = Console(highlight=False, soft_wrap=True)
    code = 0
    for name in projects:
        poll = _wait(ledger, name, asked_at)
        console.print(f"{name}: {poll.outcome}", markup=False)
        if poll.failed:
            code = WrongInput.exit_code
        elif not poll.outcome.startswith("nothing new"):
            # A poll tells its outcome after its run has been written down.
            for started in _newest(ledger, name):
                told = f"run {started.number} started, version {started.version}"
                console.print(f"{name}: {told}", markup=False)
    return code


def _ask(site: Site, home: Home, projects: list[str]) -> None:
    """Tell the master to poll.

    Raises:
        MissingTool: No master answers, or it has no password yet.
        WrongInput: It refused.
    """
    try:
        password = home.admin_password.read_text(encoding="utf-8").strip()
    except OSError:
        msg = f"{home.admin_password} is not there; start the site first: slipway up"
        raise MissingTool(msg) from None
    host = connectable(site.site.listen)
    url = f"http://{host}:{site.site.web_port}/change_hook/poller"
    pollers = {"poller": [f"{name}-poller" for name in projects]}
    try:
        answer = httpx.post(
            url, params=pollers, auth=(ADMIN, password), timeout=30, trust_env=False
        )
    except httpx.HTTPError as error:
        msg = f"no master answers at {url} ({error}); start the site: slipway up"
        raise MissingTool(msg) from None
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        msg = (
            f"the master at {url} refused the password in {home.admin_password}; is it this site's?"
        )
        raise WrongInput(msg)
    if answer.is_error:
        msg = f"the master at {url} answered {answer.status_code}: {answer.text.strip()[:200]}"
        raise StageFailed(msg)


def _newest(ledger: Engine | None, project: str) -> list[RunView]:
    return list_runs(ledger, project, limit=1) if ledger else []


def _wait(ledger: Engine | None, project: str, since: float) -> PollView:
    deadline = time.monotonic() + PATIENCE
    while ledger is not None and time.monotonic() < deadline:
        poll = list_polls(ledger).get(project)
        if poll is not None and poll.polled_at >= since:
            return poll
        time.sleep(_PAUSE)
    msg = f"the poll of {project} has not ended within {PATIENCE} seconds; see the master's log"
    raise StageFailed(msg)
