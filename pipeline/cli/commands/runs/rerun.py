"""`slipway rerun`: run a run, or a stage of it, again."""

from __future__ import annotations

import argparse

from slipway.cli.remote.client import Remote
from slipway.cli.remote.followed import FollowedRun, FollowedStage
from slipway.cli.remote.following import conclude
from slipway.cli.remote.projects import project_of

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Start a new run of the same revision, or retry a stage of the run; wait for the outcome."""
    with Remote(options) as master:
        project = project_of(master, options)
        path = f"runs/{project}/{options.run}"
        if options.stage is None:
            number = master.post(f"{path}/rerun", reason=options.reason)["number"]
            sentence = f"{project}: run {number} started: run {options.run} again"
            return conclude(FollowedRun(master, project, number), options, sentence)
        master.post(
            f"{path}/stages/{options.stage}/rerun",
            cell=options.cell,
            from_here=options.from_here,
            reason=options.reason,
        )
        sentence = f"{options.stage} of {project} run {options.run} is tried again"
        if options.from_here:
            # Stages that depend on this one count, too: the outcome is the run's.
            return conclude(FollowedRun(master, project, options.run), options, sentence)
        stage = FollowedStage(master, project, options.run, options.stage, options.cell)
        return conclude(stage, options, sentence)
