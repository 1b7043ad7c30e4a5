"""`slipway rerun`: a run, or a stage of it, once more."""

from __future__ import annotations

import argparse

from slipway.cli.gate import project_of
from slipway.cli.remote import Remote
from slipway.cli.terminal import terminal
from slipway.model.errors import PASSED


def run(options: argparse.Namespace) -> int:
    """Start a new run of the same revision, or try a stage of the run again."""
    with Remote(options) as master:
        project = project_of(master, options)
        path = f"runs/{project}/{options.run}"
        if options.stage is None:
            number = master.post(f"{path}/rerun", reason=options.reason)["number"]
            told = f"{project} run {number} started: run {options.run} again"
        else:
            master.post(
                f"{path}/stages/{options.stage}/rerun",
                cell=options.cell,
                from_here=options.from_here,
                reason=options.reason,
            )
            told = f"{options.stage} of {project} run {options.run} is tried again"
    terminal().print(told, markup=False)
    return PASSED
