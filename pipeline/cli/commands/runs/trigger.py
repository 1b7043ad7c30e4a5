"""`slipway trigger`: start a run of a branch's head or of one revision now."""

from __future__ import annotations

import argparse

from slipway.cli.remote.client import Remote
from slipway.cli.remote.followed import FollowedRun
from slipway.cli.remote.following import conclude
from slipway.cli.remote.projects import project_of

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Start a run, print its number, and wait for its outcome."""
    with Remote(options) as master:
        name = project_of(master, options)
        given = {"branch": options.branch, "revision": options.revision, "reason": options.reason}
        number = master.post("runs", project=name, **given)["number"]
        started = master.get(f"runs/{name}/{number}")
        sentence = f"{name}: run {number} started, version {started['version']}"
        sentence = f"{sentence}, of {started['revision'][:10]} {started['subject']}"
        return conclude(FollowedRun(master, name, number), options, sentence)
