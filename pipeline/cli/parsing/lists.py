"""Parse the commands that list things: runs, releases, environments, audit; prune and backup."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import (
    Commands,
    add_config,
    add_limit,
    add_master,
    add_project,
)

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    runs = commands.add(
        "runs",
        "list runs",
        "List runs, newest first, and how each stage ended.",
        "slipway runs --limit 5",
    )
    releases = commands.add(
        "releases",
        "list releases",
        "List releases, newest first, and where they are.",
        "slipway releases --project demo",
    )
    for listing in (runs, releases):
        add_project(listing, among=True)
        add_limit(listing)
        add_master(listing)
    environments = commands.add(
        "environments",
        "list what runs where",
        "List what runs where, since when, by whom, with which parameters.",
        "slipway environments",
    )
    add_project(environments, among=True)
    workers = commands.add(
        "workers",
        "list who is connected, and busy with what",
        "List the workers: who is connected, who is paused, and who is busy with what.",
        "slipway workers",
    )
    for listing in (environments, workers):
        add_master(listing)
    prune = commands.add(
        "prune",
        "let old runs' artefacts go, as `keep` says",
        "Delete the artefacts of old runs, according to [project.NAME.keep].",
        "slipway prune --dry-run",
    )
    add_master(prune)
    add_project(prune, among=True)
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    backup = commands.add(
        "backup",
        "copy the ledger of a site that runs",
        "Copy the ledger into a new folder, whole, while the site runs, and check the copy.",
        "slipway backup /srv/backups/2026-11-29 --all",
    )
    add_config(backup)
    backup.add_argument("target", type=Path, metavar="DEST", help="the folder to make")
    backup.add_argument(
        "--all", action="store_true", help="copy the artefacts and the releases, too"
    )
    _audit(commands)


def _audit(commands: Commands) -> None:
    audit = commands.add(
        "audit",
        "list who did what, or check that list",
        "List who did what, newest first, or check that nothing in that list was changed or lost.",
        "slipway audit --actor ann --since 2026-11-20\nslipway audit --verify",
    )
    add_master(audit, json=False)
    add_project(audit, among=True)
    audit.add_argument("--actor", metavar="NAME", help="what one person did; slipway: the machine")
    audit.add_argument("--since", metavar="DATE", help="from a day or a moment on")
    add_limit(audit)
    form = audit.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    audit.add_argument(
        "--verify", action="store_true", help="check that nothing in it was changed or lost"
    )
    audit.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="RELEASE|HASH",
        help="check that the trail still holds what a release saw of it",
    )
