"""Parse the commands of a site: check, up, schema, plugins."""

from __future__ import annotations

from slipway.cli.parsing.reader import Commands, add_config

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    check = commands.add(
        "check",
        "check pipeline.toml and print its graph",
        "Tell all errors of pipeline.toml at once, each with its line, or print its graph.",
        "slipway check",
    )
    add_config(check)
    check.add_argument("--json", action="store_true", help="print the model as JSON")
    check.add_argument("--strict", action="store_true", help="warnings fail, too: exit code 2")
    check.add_argument(
        "--offline",
        action="store_true",
        help="do not reach the servers of notices",
    )
    up = commands.add(
        "up",
        "start master and worker here, and show what happens",
        "Start the master and the local workers, and show what happens until Ctrl-C.",
        "slipway up\nslipway up --once",
    )
    add_config(up)
    up.add_argument("--once", action="store_true", help="end when the head's run has ended")
    schema = commands.add(
        "schema",
        "print the JSON Schema of pipeline.toml",
        "Print the JSON Schema of pipeline.toml, which editors complete and check by.",
        "slipway schema > pipeline.schema.json",
    )
    schema.add_argument("--reference", action="store_true", help="print it as a Markdown page")
    plugins = commands.add(
        "plugins",
        "list the kinds of stages, deployers, ... and the package each is from",
        "List the kinds of stages, deployers and so on that can be used here, each with the "
        "package it comes from; and those that cannot be used, with the reason.",
        "slipway plugins",
    )
    plugins.add_argument("--json", action="store_true", help="print them as JSON")
