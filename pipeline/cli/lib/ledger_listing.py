"""Common parts of `slipway runs` and `slipway releases`: opening the ledger, times, JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from slipway.cli.lib.running_site import running_site
from slipway.cli.lib.tables import print_table
from slipway.cli.lib.terminal import terminal
from slipway.model.errors import WrongInput
from slipway.model.records.base import Record
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean
from slipway.state_folder import Home

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["check_project", "ledger_of", "moment", "only_project", "show"]


def ledger_of(options: argparse.Namespace) -> tuple[Site, Engine | None]:
    """Return the site, and its ledger if one exists.

    Raises:
        WrongInput: pipeline.toml is wrong, or has no such project.
    """
    # SQLAlchemy is half of the start; most commands need only this file's other functions.
    from slipway.ledger.queries import open_ledger

    site = running_site(options)
    check_project(site, options.project)
    return site, open_ledger(Home.beside(options.config).database_url(site))


def check_project(site: Site, project: str | None) -> None:
    """Raise WrongInput if a project is not in pipeline.toml."""
    if project is not None and project not in site.project:
        known = ", ".join(site.project)
        msg = f'--project "{project}" is not in pipeline.toml; there are {known}.'
        raise WrongInput(msg + did_you_mean(project, site.project))


def only_project(site: Site, asked: str | None) -> str:
    """Return the named project, or the only one.

    Raises:
        WrongInput: There is no such project, or there are several and none was named.
    """
    check_project(site, asked)
    if asked is None and len(site.project) > 1:
        known = ", ".join(site.project)
        msg = f"pipeline.toml has several projects, {known}: name one with --project"
        raise WrongInput(msg)
    return asked or next(iter(site.project))


def moment(seconds: float | None) -> str:
    """Format a time (seconds since 1970) in this machine's time zone."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show(rows: Sequence[Record], table: Table, *, as_json: bool, nothing: str) -> int:
    """Print records as JSON or as a table; if there are none, a sentence."""
    console = terminal()
    if as_json:
        facts = [row.model_dump(by_alias=True) for row in rows]
        console.print(json.dumps(facts, indent=2), markup=False)
    elif rows:
        print_table(table)
    else:
        console.print(nothing)
    return 0
