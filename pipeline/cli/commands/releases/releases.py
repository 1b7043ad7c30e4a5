"""`slipway releases`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.table import Table

from slipway.cli.lib.ledger_listing import ledger_of, moment, show
from slipway.cli.remote import lists as remote
from slipway.ledger.queries import list_releases
from slipway.model.records.release import ListedRelease
from slipway.scripts.terminal_text import escape
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List releases, newest first."""
    elsewhere = remote.elsewhere(options)
    found = remote.list_releases(options) if elsewhere else _here(options)
    # A remote master's folders cannot be examined.
    ours = None if elsewhere else Home.beside(options.config).releases
    table = Table(box=None, pad_edge=False)
    for title in ("project", "version", "run", "commit", "published"):
        table.add_column(title, no_wrap=True)
    # Last column, never wrapped, so that the path can be copied.
    table.add_column("where", no_wrap=True, overflow="ignore")
    for one in found:
        table.add_row(
            one.project,
            escape(one.version),
            str(one.run),
            one.revision[:10],
            moment(one.published_at),
            escape(one.place) + _removal_remark(Path(one.place), ours),
        )
    nothing = "no releases yet; a run whose publish stage passes makes one"
    return show(found, table, as_json=options.json, nothing=nothing)


def _removal_remark(place: Path, ours: Path | None) -> str:
    """Return a remark if pruning has removed a release; only known for folders of this machine."""
    there = ours is None or not place.is_relative_to(ours) or place.exists()
    return "" if there else " [dim](no longer there)[/]"


def _here(options: argparse.Namespace) -> list[ListedRelease]:
    _, ledger = ledger_of(options)
    return list_releases(ledger, options.project, options.limit) if ledger else []
