"""`slipway worker`: make a worker's bundle, write a worker's files, or check its machine."""

from __future__ import annotations

import argparse

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    # Imported late: a worker's machine has no master's packages.
    if options.what == "new":
        from slipway.cli.commands.site import worker_bundle

        return worker_bundle.run(options)
    if options.what == "check":
        from slipway.cli.commands.local import worker_check

        return worker_check.run(options)
    from slipway.cli.commands.local import worker_setup

    return worker_setup.run(options)
