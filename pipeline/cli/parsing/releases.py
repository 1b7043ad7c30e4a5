"""Parse the commands about releases: release list, show, refresh, block, unblock, promote."""

from __future__ import annotations

from slipway.cli.parsing.reader import (
    Commands,
    add_config,
    add_json,
    add_limit,
    add_master,
    add_project,
)

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    release = commands.add(
        "release",
        "list, show, block, unblock and promote releases",
        "List releases with their channels and targets, show one, block one that must not be "
        "used, end a block, or promote one to a channel.",
        'slipway release list\nslipway release block 1.4.0+7 --reason "it loses data"',
    )
    whats = release.commands("what", "WHAT")
    listing = whats.add(
        "list",
        "list releases with their channels, targets and blocks",
        "List releases, newest first: the channels that point at them, what each target has of "
        "them, who has blocked them and why.",
        "slipway release list --project demo",
    )
    add_project(listing, among=True)
    add_limit(listing)
    add_master(listing)
    show = whats.add(
        "show",
        "show a release and what each target has of it",
        "Show a release: its commit, its channels, its block, and its state at each target.",
        "slipway release show 1.4.0+7",
    )
    refresh = whats.add(
        "refresh",
        "sign pages and pointers anew, here and at targets",
        "Write pages, feeds and pointers anew, signed by the key that signs now, and bring them to "
        "the targets that have a release: after a key was stolen, or when pages were lost.",
        "slipway release refresh --project demo",
    )
    add_project(refresh, among=True)
    add_config(refresh)
    add_json(refresh)
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
    for command in (show, block, unblock, promote):
        command.add_argument("version", metavar="VERSION", help="the release, such as 1.4.0+7")
        add_project(command)
        add_master(command)
