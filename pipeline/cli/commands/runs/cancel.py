"""`slipway cancel`: end a run, or a stage of it."""

from __future__ import annotations

import argparse

from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of
from slipway.cli.remote.words import say
from slipway.model.errors import PASSED

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Cancel a waiting or running run or stage."""
    with Remote(options) as master:
        project = project_of(master, options)
        path = f"runs/{project}/{options.run}"
        what = f"run {options.run} of {project}"
        if options.stage is None:
            master.post(f"{path}/cancel", reason=options.reason)
        else:
            what = f"{options.stage} of {what}"
            master.post(
                f"{path}/stages/{options.stage}/cancel", cell=options.cell, reason=options.reason
            )
    facts = {"project": project, "run": options.run, "stage": options.stage, "cell": options.cell}
    say(f"{what} is cancelled", facts, as_json=options.json)
    return PASSED
