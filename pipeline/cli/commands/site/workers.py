"""`slipway workers`: list connected workers and their current stages."""

from __future__ import annotations

import argparse
from typing import Any

from rich.table import Table

from slipway.cli.lib.ledger_listing import moment
from slipway.cli.remote.client import Remote
from slipway.cli.remote.words import print_json, print_table
from slipway.model.cell import cell_title
from slipway.model.errors import PASSED
from slipway.scripts.terminal_text import escape

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List the workers."""
    with Remote(options) as master:
        found = master.get("workers")["workers"]
    if options.json:
        print_json(found)
        return PASSED
    table = Table(box=None, pad_edge=False)
    for title in ("worker", "state", "labels", "lanes", "at work", "on"):
        table.add_column(title, no_wrap=True)
    for one in found:
        work = "; ".join(_work(busy) for busy in one["busy"])
        labels, lanes = ", ".join(one["labels"]), ", ".join(one["lanes"])
        count = f"{len(one['busy'])} of {one['max_builds']}"
        table.add_row(
            *(escape(cell) for cell in (one["name"], _state(one), labels, lanes)),
            count,
            escape(work),
        )
    print_table(table, found, "no workers; write [workers.NAME] into pipeline.toml")
    return PASSED


def _state(worker: dict[str, Any]) -> str:
    if not worker["connected"]:
        return "not connected"
    return "paused" if worker["paused"] else "connected"


def _work(busy: dict[str, Any]) -> str:
    title = cell_title(busy["stage"], busy["cell"])
    return f"{title} of {busy['project']} run {busy['run']}, since {moment(busy['since'])}"
