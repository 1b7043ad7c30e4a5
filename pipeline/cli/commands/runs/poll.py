"""`slipway poll`: have the master look for new commits now, and print the result."""

from __future__ import annotations

import argparse
import time
from typing import Any

from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import check_project
from slipway.cli.remote.words import print_json
from slipway.model.errors import PASSED, StageFailed, WrongInput

__all__ = ["PATIENCE", "run"]

#: Seconds after which this command stops waiting for a poll.
PATIENCE = 120
_PAUSE = 0.2


def run(options: argparse.Namespace) -> int:
    """Poll, wait for the outcome, and print it."""
    with Remote(options) as master:
        check_project(master, options.project)
        asked = master.post("polls", projects=[options.project] if options.project else [])
        found = {name: _wait(master, name, asked["at"]) for name in asked["projects"]}
        versions = {
            (name, number): master.get(f"runs/{name}/{number}")["version"]
            for name, poll in found.items()
            for number in poll["runs"]
        }
    if options.json:
        print_json([{"project": name, **poll} for name, poll in found.items()])
    else:
        _print_runs(found, versions)
    failed = any(poll["failed"] for poll in found.values())
    return WrongInput.exit_code if failed else PASSED


def _wait(master: Remote, project: str, asked_at: float) -> dict[str, Any]:
    """Wait for the first poll that began after the request; return its result.

    Both times are the master's: this machine's clock may differ.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = master.get("projects")["items"]
        poll = next((one["last_poll"] for one in found if one["name"] == project), None)
        if poll is not None and poll["began_at"] is not None and poll["began_at"] >= asked_at:
            return dict(poll)
        time.sleep(_PAUSE)
    msg = f"the poll of {project} has not ended within {PATIENCE} seconds; see the master's log"
    raise StageFailed(msg)


def _print_runs(found: dict[str, dict[str, Any]], versions: dict[tuple[str, int], str]) -> None:
    console = terminal()
    for name, poll in found.items():
        console.print(f"{name}: {poll['outcome']}", markup=False)
        for number in poll["runs"]:
            sentence = f"run {number} started, version {versions[name, number]}"
            console.print(f"{name}: {sentence}", markup=False)
