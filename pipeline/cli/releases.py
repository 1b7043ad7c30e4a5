"""`slipway releases`."""

from __future__ import annotations

import argparse

from rich.markup import escape
from rich.table import Table

from slipway.cli.listing import ledger_of, moment, show
from slipway.ledger.views import list_releases


def run(options: argparse.Namespace) -> int:
    """List releases, newest first."""
    _, ledger = ledger_of(options)
    found = list_releases(ledger, options.project, options.limit) if ledger else []
    table = Table(box=None, pad_edge=False)
    for title in ("project", "version", "run", "commit", "published"):
        table.add_column(title, no_wrap=True)
    # Last and never folded: a path is there to be copied.
    table.add_column("where", no_wrap=True, overflow="ignore")
    for one in found:
        table.add_row(
            one.project,
            escape(one.version),
            str(one.run),
            one.revision[:10],
            moment(one.published_at),
            escape(one.place),
        )
    nothing = "no releases yet; a run whose publish stage passes makes one"
    return show(found, table, as_json=options.json, nothing=nothing)
