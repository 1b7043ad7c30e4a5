"""Parse the command line: each command's arguments, options, help and example."""

from __future__ import annotations

import argparse

from slipway import __version__
from slipway.cli.parsing import (
    gates,
    lists,
    machines,
    notices,
    people,
    releases,
    results,
    runs,
    signing,
    site,
    stages,
)
from slipway.cli.parsing.reader import Reader

__all__ = ["parser"]

_EPILOG = """exit codes: 0 passed, 1 the thing under test failed, 2 wrong input,
3 something is missing on the machine, 4 what was waited for is not over

`slipway COMMAND --help` tells a command's options, with an example."""


def parser() -> Reader:
    """Return the parser of all commands."""
    top = Reader(
        prog="slipway",
        description="From a commit to production, on Buildbot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"slipway {__version__}")
    # In the order in which a new user needs them.
    commands = top.commands("command", "COMMAND")
    for part in (
        *(site, runs, lists, results, gates, releases, people, notices, stages, signing, machines),
    ):
        part.add_commands(commands)
    return top
