"""Parse the commands that decide on releases: release block, unblock, promote."""

from __future__ import annotations

from slipway.cli.parsing.reader import Commands, add_master, add_project

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    release = commands.add(
        "release",
        "block, unblock and promote releases",
        "Block a release that must not be used, end a block, or promote a release to a channel.",
        'slipway release block 1.4.0+7 --reason "it loses data"',
    )
    whats = release.commands("what", "WHAT")
    block = whats.add(
        "block",
        "have nothing deploy, promote or offer a release",
        "Block a release: gates refuse to deploy it, and channels and feeds drop it.",
        'slipway release block 1.4.0+7 --reason "it loses data"',
    )
    block.add_argument(
        "--reason", required=True, metavar="TEXT", help="why; the release's site shows it"
    )
    unblock = whats.add(
        "unblock",
        "end the block of a release",
        "End the block of a release; channels that pointed at it do so again.",
        "slipway release unblock 1.4.0+7",
    )
    promote = whats.add(
        "promote",
        "move a channel to a release",
        "Move a channel to a release that has been in the channel before it. No file is copied.",
        "slipway release promote 1.4.0+7 --channel stable",
    )
    promote.add_argument("--channel", required=True, metavar="NAME", help="the channel")
    promote.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit trail")
    for command in (block, unblock, promote):
        command.add_argument("version", metavar="VERSION", help="the release, such as 1.4.0+7")
        add_project(command)
        add_master(command)
