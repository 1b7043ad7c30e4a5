"""`slipway runs`."""

from __future__ import annotations

import argparse

from rich.table import Table

from slipway.cli.lib.ledger_listing import ledger_of, moment, show
from slipway.cli.lib.state_labels import mark
from slipway.cli.remote import lists as remote
from slipway.ledger.queries import list_runs
from slipway.model.duration import format_duration
from slipway.model.records.run import ListedRun
from slipway.scripts.terminal_text import escape

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """List runs, newest first."""
    found = remote.list_runs(options) if remote.elsewhere(options) else _here(options)
    table = Table(box=None, pad_edge=False)
    for title in ("run", "state", "version", "took", "started", "commit", "stages"):
        table.add_column(title, no_wrap=True, overflow="ignore")
    for one in found:
        table.add_row(*_row(one))
    nothing = "no runs yet; start the site: slipway up"
    return show(found, table, as_json=options.json, nothing=nothing)


def _here(options: argparse.Namespace) -> list[ListedRun]:
    site, ledger = ledger_of(options)
    return list_runs(ledger, options.project, options.limit, site=site) if ledger else []


def _row(run: ListedRun) -> tuple[str, ...]:
    took = format_duration(run.finished_at - run.started_at) if run.finished_at else ""
    stages = "  ".join(f"{mark(stage.state)}{escape(title)}" for title, stage in run.stages.items())
    return (
        f"{run.project} {run.number}",
        f"{mark(run.state)}{run.state}",
        run.version,
        took,
        moment(run.started_at),
        escape(f"{run.revision[:10]} {run.subject[:40]}"),
        stages,
    )
