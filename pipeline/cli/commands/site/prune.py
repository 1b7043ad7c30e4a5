"""`slipway prune`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from slipway.artefacts import pruning as retention
from slipway.artefacts.store import Store
from slipway.cli.lib.ledger_listing import ledger_of
from slipway.cli.lib.person import who
from slipway.cli.lib.tables import print_table
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.lists import elsewhere
from slipway.cli.remote.projects import check_project
from slipway.cli.remote.words import print_json
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.database.sqlite_wal import keep_commits
from slipway.ledger.retention import Prunable, find, mark
from slipway.master.releases.site import decided, write_site
from slipway.model.errors import PASSED
from slipway.model.site import Site
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.signing.pointers import sign_documents
from slipway.scripts.terminal_text import escape
from slipway.secrets.release_key import have_key
from slipway.state_folder import Home

__all__ = ["run"]

#: Seconds to wait for a backup to end.
_PATIENCE = 60.0


def run(options: argparse.Namespace) -> int:
    """Delete the artefacts of old runs, or list those that would be deleted."""
    found = _elsewhere(options) if elsewhere(options) else _here(options)
    if options.json:
        print_json(found)
        return PASSED
    _show_going(found)
    _show_kept(found)
    will = "would go" if found["dry_run"] else "gone"
    terminal().print(f"{_counted(found)}, {size_text(found['size'])} {will}", markup=False)
    return PASSED


def _elsewhere(options: argparse.Namespace) -> dict[str, Any]:
    with Remote(options) as master:
        check_project(master, options.project)
        return master.post("prunings", project=options.project, dry_run=options.dry_run)


def _here(options: argparse.Namespace) -> dict[str, Any]:
    """Prune without the master, which need not run."""
    site, ledger = ledger_of(options)
    projects = retention.among(site.project, options.project)

    def facts(found: Prunable, size: int) -> dict[str, Any]:
        return retention.as_facts(found, projects, options.project, size, dry_run=options.dry_run)

    if ledger is None:
        return facts(Prunable(), 0)
    home = Home.beside(options.config)
    url = home.database_url(site)
    engine = create_engine(url, connect_args=_patience(url))
    keep_commits(engine)
    store = Store(home.store)
    with LedgerSession(engine, actor=who()) as session:
        if options.dry_run:
            found = find(session, projects, store, time.time())
            size = found.size
        else:
            with store.held(_PATIENCE):
                found = mark(session, projects, store)
                session.commit()
            size = retention.remove(store, found, _PATIENCE)
            for name, folder in sorted({(one.project, one.path.parent) for one in found.folders}):
                _refresh(session, name, folder, site, options.config)
    engine.dispose()
    return facts(found, size)


def _refresh(session: Session, name: str, folder: Path, site: Site, config: Path) -> None:
    """Leave the releases that are gone out of a project's pages, as the master does."""
    home, now = Home.beside(config), datetime.now(UTC)

    def sign(files: Mapping[str, bytes]) -> dict[str, bytes]:
        if not home.public_keys.exists():
            return dict(files)
        keys = have_key(site.site, home, config.resolve().parent, now)
        return sign_documents(files, *keys, now)

    write_site(folder, decided(session, name, site.project[name]), sign)


def _patience(url: str) -> dict[str, float]:
    # The master may be writing to SQLite.
    return {"timeout": 30.0} if url.startswith("sqlite") else {}


def _show_going(found: dict[str, Any]) -> None:
    table = Table("project", "what goes", "version", box=None, pad_edge=False)
    for one in found["runs"]:
        what = f"artefacts of run {one['number']}"
        table.add_row(one["project"], what, escape(one["version"]))
    for one in found["releases"]:
        table.add_row(one["project"], escape(one["place"]), escape(one["version"]))
    if table.rows:
        print_table(table)


def _show_kept(found: dict[str, Any]) -> None:
    """Print each rule of a project with the items that it keeps."""
    console = terminal()
    for rule in found["rules"]:
        console.print(rule["text"], markup=False)
        for one in found["kept"]:
            if one["project"] == rule["project"]:
                console.print(f"  {one['what']} stays: {one['why']}", markup=False)
    if found["young"]:
        files = count_text(found["young"], "file")
        console.print(
            f"{files} that nothing names stay: younger than a day, a stage may be at work"
        )


def _counted(found: dict[str, Any]) -> str:
    counts = (
        count_text(len(found["runs"]), "run"),
        count_text(found["files"], "file"),
        count_text(len(found["releases"]), "release"),
    )
    return ", ".join(counts)
