"""`slipway prune`."""

from __future__ import annotations

import argparse
import time

from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table
from sqlalchemy import create_engine

from slipway.cli.listing import ledger_of
from slipway.cli.terminal import terminal
from slipway.home import Home
from slipway.ledger.pruning import Prunable, find, mark, remove
from slipway.ledger.session import LedgerSession
from slipway.ledger.store import Store
from slipway.model.errors import WrongInput


def run(options: argparse.Namespace) -> int:
    """Let the artefacts of old runs go, or say which would."""
    site, ledger = ledger_of(options)
    console = terminal()
    projects = {
        name: project for name, project in site.project.items() if options.project in (None, name)
    }
    if not any(project.keep for project in projects.values()):
        msg = f"no project says how long to keep; write [project.{next(iter(projects))}.keep]"
        raise WrongInput(msg)
    if ledger is None:
        console.print("nothing to prune: no run yet")
        return 0
    home = Home.beside(options.config)
    engine = create_engine(home.database_url(site), connect_args=_patience(home.database_url(site)))
    # All projects share the store: what another one needs must be known, too.
    everything = {
        name: project if name in projects else project.model_copy(update={"keep": None})
        for name, project in site.project.items()
    }
    with LedgerSession(engine) as session:
        if options.dry_run:
            found = find(session, everything, Store(home.store), time.time())
        else:
            found = mark(session, everything, Store(home.store))
            session.commit()
            remove(Store(home.store), found)
    engine.dispose()
    _show(found, dry=options.dry_run)
    return 0


def _patience(url: str) -> dict[str, float]:
    # The master may be writing.
    return {"timeout": 30.0} if url.startswith("sqlite") else {}


def _show(found: Prunable, *, dry: bool) -> None:
    console = terminal()
    if found.runs:
        table = Table("project", "run", "version", box=None, pad_edge=False)
        for project, number, version in found.runs:
            table.add_row(project, str(number), escape(version))
        console.print(table)
    would = "would go" if dry else "gone"
    files = f"{len(found.files)} file{'' if len(found.files) == 1 else 's'}"
    console.print(f"{len(found.runs)} runs, {files}, {decimal(found.size)} {would}")
